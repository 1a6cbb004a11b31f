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

_DEFAULTS = {"server": installation.SERVER_PORT, "gateway": installation.GATEWAY_PORT}
_OPTIONS = {"server": "--port", "gateway": "--gateway-port"}


def check(scene: Scene) -> Iterator[Finding]:
    for name, default in _DEFAULTS.items():
        if scene.is_up:
            yield _held(scene, name)
        else:
            stated = settings.find(name, "port", scene.home.path)
            yield _free(scene, name, default if stated is None else int(stated))


def _held(scene: Scene, name: str) -> Finding:
    port, pid = scene.ports.get(name), scene.pids.get(name)
    if port is None or pid is None:
        return Finding.warn(f"{name} port", f"The {name} is not running yet", "Look again soon.")
    holder = _holder(port)
    if holder not in {None, pid}:
        return Finding.fail(
            f"{name} port",
            f"Port {port} of the {name} is held by process {holder}, not by ours ({pid})",
            "End that process, or start on other ports with `pileus down` and `pileus up --port`.",
        )
    return Finding.ok(f"{name} port", f"Port {port} is held by the {name}")


def _free(scene: Scene, name: str, port: int) -> Finding:
    host = str(settings.find("server", "host", scene.home.path) or installation.HOST)
    try:
        listening.choose(host, port, _OPTIONS[name])
    except PileusError as error:
        holder = _holder(port)
        who = "" if holder is None else f" (process {holder})"
        return Finding.fail(f"{name} port", f"{error.message}{who}", error.hint or "")
    return Finding.ok(f"{name} port", f"Port {port} is free for the {name}")


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
