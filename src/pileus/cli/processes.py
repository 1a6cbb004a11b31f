"""
Server, gateway and worker: each reads its settings, starts its log and runs until told to stop.

The supervisor forks into `start` or, where that is not safe, runs `python -m pileus.cli.processes NAME
OPTION VALUE…`. They stay for as long as the installation runs, so the command tree, which they have no
use for, would only take memory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from pileus.cli.failures import fail, fail_by_bug
from pileus.cli.session import Session
from pileus.cli.starting import carry_little
from pileus.core.errors import PileusError

_M_ARENA_MAX = -8  # of malloc.h

Given = Mapping[str, Any]
"""Options by the names of the settings that they override; None for one that was not given."""


def server(home: Path, given: Given) -> int:
    """Serve the API and run the engine; the exit code. Raises what starting raises."""
    from pileus.core.settings import load  # its own process alone carries it
    from pileus.jobs.settings import JobsSettings  # its own process alone carries it
    from pileus.metering.settings import MeteringSettings  # its own process alone carries it
    from pileus.security.settings import SecuritySettings  # its own process alone carries it
    from pileus.server import main  # its own process alone carries it
    from pileus.server.deletion.settings import DeletionSettings  # its own process alone carries it
    from pileus.server.settings import ServerSettings, Settings  # its own process alone carries it

    _start_log("server", home, given)
    settings = Settings(
        server=load(ServerSettings, "server", {"home": home, **given}, home),
        jobs=load(JobsSettings, "jobs", None, home),
        metering=load(MeteringSettings, "metering", None, home),
        security=load(SecuritySettings, "security", None, home),
        deletion=load(DeletionSettings, "deletion", None, home),
    )
    return main.run(settings)


def gateway(home: Path, given: Given) -> int:
    """Answer predictions; the exit code. Raises what starting raises."""
    from pileus.core.settings import load  # its own process alone carries it
    from pileus.gateway import main  # its own process alone carries it
    from pileus.gateway.settings import GatewaySettings  # its own process alone carries it

    _start_log("gateway", home, given)
    return main.run(load(GatewaySettings, "gateway", {"home": home, **given}, home))


def worker(home: Path, given: Given) -> int:
    """Run the jobs of this node; the exit code. Raises what starting raises."""
    from pileus.core.settings import load  # its own process alone carries it
    from pileus.worker import main  # its own process alone carries it
    from pileus.worker.settings import WorkerSettings  # its own process alone carries it

    _start_log("worker", home, given)
    return main.run(load(WorkerSettings, "worker", {"home": home, **given}, home))


_PROCESSES: dict[str, Callable[[Path, Given], int]] = {
    "server": server,
    "gateway": gateway,
    "worker": worker,
}


def words(name: str, home: Path, **given: object) -> tuple[str, ...]:
    """What `start` takes to run the process `name` with these options."""
    options = {"home": home, **given}
    named = ((f"--{option.replace('_', '-')}", str(value)) for option, value in options.items())
    return (name, *chain.from_iterable(named))


def command(words: Sequence[str]) -> tuple[str, ...]:
    """The same in a process that shares nothing with this one."""
    return (sys.executable, "-m", __name__, *words)


def start(arguments: Sequence[str]) -> int:
    """Run the process of these words, as the first thing in its life; the exit code."""
    carry_little()
    _use_one_heap()
    return main(arguments)


def main(arguments: Sequence[str]) -> int:
    """Run the process of this command; the exit code."""
    name, *pairs = arguments
    given = {
        option.removeprefix("--").replace("-", "_"): value
        for option, value in zip(pairs[::2], pairs[1::2], strict=True)
    }
    session = Session(home_option=Path(given.pop("home")), writes_log=True)
    try:
        return _PROCESSES[name](session.home, given)
    except PileusError as error:
        return fail(session, error)
    except Exception as error:  # noqa: BLE001  the border of the process
        return fail_by_bug(session, error)


def _start_log(name: str, home: Path, given: Given) -> None:
    from pileus.cli.process_logs import start_logs  # its own process alone carries it

    start_logs(name, home, is_supervised=given.get("supervisor_fd") is not None)


def _use_one_heap() -> None:
    """Glibc keeps up to eight heaps a core for threads that allocate at once. Ours share the GIL."""
    import ctypes  # the supervisor knows of us, and has no use for it

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


if __name__ == "__main__":
    sys.exit(start(sys.argv[1:]))
