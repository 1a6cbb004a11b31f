"""The ports: held by our processes while they run, free to take while they do not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from pileus.cli import installation
from pileus.cli import ports as listening
from pileus.cli.doctor.finding import Finding
from pileus.cli.doctor.scene import Scene
from pileus.core import settings
from pileus.core.errors import PileusError

_LISTENING = {
    "--port": ("server", "server"),
    "--gateway-port": ("gateway", "gateway"),
    "--grpc-port": ("grpc", "gateway"),
}
"""Option → what listens there, and the process it belongs to."""


def check(scene: Scene) -> Iterator[Finding]:
    for option, port in installation.wanted_ports(scene.home).items():
        if scene.is_up:
            yield _held(scene, *_LISTENING[option])
        else:
            yield _free(scene, option, port)


def _held(scene: Scene, name: str, process: str) -> Finding:
    port, pid = scene.ports.get(name), scene.pids.get(process)
    if port is None or pid is None:
        return Finding.warn(f"{name} port", f"The {process} is not running yet", "Look again soon.")
    holder = _holder(port)
    if holder not in {None, pid}:
        return Finding.fail(
            f"{name} port",
            f"Port {port} of the {process} is held by process {holder}, not by ours ({pid})",
            "End that process, or start on other ports with `pileus down` and `pileus up --port`.",
        )
    return Finding.ok(f"{name} port", f"Port {port} is held by the {process}")


def _free(scene: Scene, option: str, port: int) -> Finding:
    name, process = _LISTENING[option]
    host = str(settings.find("server", "host", scene.home.path) or installation.HOST)
    try:
        listening.choose(host, port, option)
    except PileusError as error:
        holder = _holder(port)
        who = "" if holder is None else f" (process {holder})"
        return Finding.fail(f"{name} port", f"{error.message}{who}", error.hint or "")
    return Finding.ok(f"{name} port", f"Port {port} is free for the {process}")


def _holder(port: int) -> int | None:
    """Who listens on a port, if the system tells us."""
    import psutil  # start-up time

    with suppress(psutil.Error, OSError):
        for one in psutil.net_connections("tcp"):
            if (
                one.status == psutil.CONN_LISTEN
                and getattr(one.laddr, "port", None) == port
                and one.pid
            ):
                found: int = one.pid
                return found
    return None
