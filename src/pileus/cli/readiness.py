"""Whether an installation on this machine answers, and if not, which process is why."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pileus.cli.home import Home
from pileus.core.errors import PileusError
from pileus.sdk.api import Api
from pileus.sdk.home import address

PROBE_SECONDS = 3.0
_EVERY_SECONDS = 0.05

PROBES = {"server": "/api/v1/me", "gateway": "/v2"}
"""Process → a path that needs a token, so that an answer proves more than an open port."""


def look(home: Home) -> dict[str, Any]:
    """State of the installation: `ready`, `starting`, `degraded` or `stopped`, with reasons."""
    if not home.is_held:
        return {"state": "stopped", "home": str(home.path), "processes": {}}
    processes: dict[str, dict[str, Any]] = home.read("processes.json")
    ports = home.read("ports.json")
    token = next(iter(home.read("tokens.json").values()), None)
    for name, path in PROBES.items():
        if name in ports and name in processes:
            url = address(ports.get("host", "127.0.0.1"), ports[name])
            processes[name] = {**_probe(url, path, token), **_stated(processes[name]), "url": url}
    if "gateway" in processes and ports.get("grpc"):
        url = address(ports.get("host", "127.0.0.1"), ports["grpc"])
        processes["gateway"]["grpc"] = urlsplit(url).netloc  # clients of gRPC take no scheme
    return {
        "state": _state(processes),
        "home": str(home.path),
        "supervisor": home.read("pids.json").get("supervisor"),
        "processes": processes,
    }


def wait_until_ready(
    home: Home, seconds: float, is_over: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    """The state once it is ready, or when time is up, a process crash-loops, or `is_over`."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look(home)
        if seen["state"] == "ready" or time.monotonic() > deadline or is_over():
            return seen
        if any(process["state"] == "crash_loop" for process in seen["processes"].values()):
            return seen
        time.sleep(_EVERY_SECONDS)


def reasons(seen: dict[str, Any]) -> str:
    """Why it is not ready, one clause per process; those that died explain the others."""
    waiting = {name: one for name, one in seen["processes"].items() if one.get("reason")}
    dead = {name: one for name, one in waiting.items() if one["restarts"]}
    clauses = [f"{name}: {process['reason']}" for name, process in (dead or waiting).items()]
    return "; ".join(clauses) or "no process says why"


def _stated(report: dict[str, Any]) -> dict[str, Any]:
    """What the supervisor knows; how a process died explains more than that it does not answer."""
    return {name: value for name, value in report.items() if name != "reason" or value}


def _probe(url: str, path: str, token: str | None) -> dict[str, Any]:
    if token is None:
        return {"answers": False, "reason": "the first token has not been made yet"}
    parts = urlsplit(url)
    try:  # while it starts we must not take much of the processor from it
        socket.create_connection((parts.hostname, parts.port), PROBE_SECONDS).close()
    except OSError as error:
        return {"answers": False, "reason": f"nothing answers at {url}: {error.strerror or error}"}
    api = Api(url, token, "", patience_seconds=0)
    try:
        api.call("GET", path, timeout_seconds=PROBE_SECONDS)
    except PileusError as error:
        return {"answers": False, "reason": error.message}
    finally:
        api.close()
    return {"answers": True}


def _state(processes: dict[str, dict[str, Any]]) -> str:
    answering = [processes.get(name, {}).get("answers", False) for name in PROBES]
    states = {process["state"] for process in processes.values()}
    if all(answering) and states == {"running"}:
        return "ready"
    restarted = any(process["restarts"] for process in processes.values())
    return "degraded" if restarted or "crash_loop" in states else "starting"
