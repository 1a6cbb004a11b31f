"""The processes of an installation on one machine: their addresses, commands and order."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pileus.cli import ports
from pileus.cli.child import Program
from pileus.cli.forked import warm_up_for_clients
from pileus.cli.home import Home
from pileus.cli.processes import command, start, words
from pileus.cli.supervisor import STOP_SECONDS, Supervisor
from pileus.core.errors import InvalidRequest, PileusError
from pileus.sdk.home import address

log = logging.getLogger(__name__)

SERVER_PORT = 7070
GATEWAY_PORT = 7080
HOST = "127.0.0.1"

TEMPORARY_STOP_SECONDS = 0.5
TEMPORARY_DRAIN_SECONDS = 5.0

DRAIN_SECONDS = 25.0
"""Running attempts have a grace of 20 s by default; then they are killed."""


@dataclass(frozen=True)
class Plan:
    """Where the processes will listen."""

    host: str
    port: int
    gateway_port: int
    grpc_port: int | None
    """None: the gateway answers HTTP alone."""


def plan(
    home: Home,
    host: str | None,
    port: int | None,
    gateway_port: int | None,
    grpc_port: int | None = None,
) -> Plan:
    """Addresses from the command line, then settings, then defaults; checked to be free.

    Raises PortTaken, AddressNotUsable, InvalidSettings.
    """
    from pileus.core import settings  # pydantic, which the supervisor does without

    own_host = host or str(settings.find("server", "host", home.path) or HOST)
    wanted = wanted_ports(home, port, gateway_port, grpc_port)
    # A home that was not left in order may still have children that are about to end.
    was_killed = bool(home.read("pids.json"))
    choose: Callable[[str, int, str], int] = ports.choose_patiently if was_killed else ports.choose
    while True:
        chosen = {option: choose(own_host, number, option) for option, number in wanted.items()}
        if len(set(chosen.values())) == len(chosen):
            server, gateway = chosen["--port"], chosen["--gateway-port"]
            return Plan(own_host, server, gateway, chosen.get("--grpc-port"))
        stated = [number for number in wanted.values() if number]
        if len(set(stated)) < len(stated):
            raise InvalidRequest(
                f"Server, gateway and gRPC cannot all listen on {', '.join(map(str, stated))}",
                hint=f"Choose others with {', '.join(wanted)}; 0 picks a free one.",
            )


def wanted_ports(
    home: Home,
    port: int | None = None,
    gateway_port: int | None = None,
    grpc_port: int | None = None,
) -> dict[str, int]:
    """Option → the port that it or the settings name, or its default. Raises InvalidSettings."""
    wanted = {
        "--port": _port(home, "server", "port", port, SERVER_PORT),
        "--gateway-port": _port(home, "gateway", "port", gateway_port, GATEWAY_PORT),
    }
    if grpc_port is not None or _has_grpc(home):
        of_gateway = wanted["--gateway-port"]
        after = of_gateway + 1 if of_gateway else 0
        wanted["--grpc-port"] = _port(home, "gateway", "grpc_port", grpc_port, after)
    return wanted


def supervise(home: Home, chosen: Plan, parent_fd: int | None, *, forks: bool = False) -> None:
    """Run everything until asked to stop, or until `parent_fd` closes.

    With a parent the installation is a temporary one: nobody comes back for what a slow end saves.
    `forks`: this process is warm and has no threads, so that its children may be forks of it.
    """
    home.write(
        "ports.json",
        {
            "server": chosen.port,
            "gateway": chosen.gateway_port,
            "grpc": chosen.grpc_port,
            "host": chosen.host,
        },
    )
    is_temporary = parent_fd is not None
    drain_seconds = TEMPORARY_DRAIN_SECONDS if is_temporary else DRAIN_SECONDS
    Supervisor(
        home,
        programs(home, chosen, forks=forks),
        lambda: come_to_rest(home, drain_seconds),
        parent_fd,
        TEMPORARY_STOP_SECONDS if is_temporary else STOP_SECONDS,
    ).run()


def programs(home: Home, chosen: Plan, *, forks: bool) -> tuple[Program, ...]:
    """What runs, in the order in which it starts."""
    server_url = address(chosen.host, chosen.port)
    host, port = chosen.host, chosen.port
    of_gateway: dict[str, Any] = {"host": host, "port": chosen.gateway_port}
    if chosen.grpc_port is not None:
        of_gateway["grpc_port"] = chosen.grpc_port
    server = words("server", home.path, host=host, port=port)
    clients = (
        words("gateway", home.path, **of_gateway, server_url=server_url),
        words("worker", home.path, server_url=server_url),
    )
    if forks:
        of_clients = [Program(one[0], one, start, warm_up_for_clients) for one in clients]
        return (Program("server", server, start), *of_clients)
    return tuple(Program(one[0], command(one)) for one in (server, *clients))


def come_to_rest(home: Home, seconds: float = DRAIN_SECONDS) -> None:
    """Requeue what runs, before the processes stop."""
    from pileus.cli.drain import drain  # its httpx takes longer than the supervisor's own start
    from pileus.sdk import Client  # the same

    tokens = home.read("tokens.json")
    project = "default" if "default" in tokens else next(iter(tokens), "default")
    try:
        with Client.from_home(home.path, project, patience_seconds=2.0) as client:
            drain(client, seconds, log.warning)
    except PileusError as error:
        log.warning("Stopping without requeueing: %s", error.message)


def _has_grpc(home: Home) -> bool:
    from pileus.core import settings  # pydantic, which the supervisor does without

    stated = settings.find("gateway", "grpc", home.path)
    return str(stated).lower() not in {"false", "0", "no", "off"}  # what the model takes for it


def _port(home: Home, section: str, name: str, option: int | None, default: int) -> int:
    if option is not None:
        return option
    from pileus.core import settings  # pydantic, which the supervisor does without

    stated = settings.find(section, name, home.path)
    try:
        return default if stated is None else int(stated)
    except (TypeError, ValueError) as error:
        raise settings.InvalidSettings(
            f"Setting {section}.{name} = {stated!r} is not a number",
            hint=f"Choose another port; the default is {default}.",
        ) from error
