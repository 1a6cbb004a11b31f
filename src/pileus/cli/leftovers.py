"""Ends what a supervisor that was killed has left running, before the same home starts again.

Two servers on one database, or two workers in one home, must never overlap. Nobody else writes then,
so what a kill left half-written goes as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pileus.cli.home import Home
from pileus.compute.processes import boot_id, start_ticks

GRACE_SECONDS = 3.0
"""They noticed the end of their pipe and are stopping; whoever is slower is killed."""

_HALF_WRITTEN = re.compile(r"\..+\.([0-9]+\.[0-9a-f]{8}|[0-9a-f]{16})")
"""Names beside a file that was about to be replaced: whoever does it adds a random number."""

_WRITTEN_BY_RENAME = (".", "run", "keys", "gateway")


def remove_half_written(home: Home) -> None:
    """Remove files that a kill kept from their names: some of them are copies of secrets."""
    for name in _WRITTEN_BY_RENAME:
        for path in (home.path / name).iterdir():
            if _HALF_WRITTEN.fullmatch(path.name) and path.is_file():
                path.unlink(missing_ok=True)


def end_leftovers(home: Home) -> None:
    """Wait for the processes that a supervisor has left, then kill those that are still there."""
    pids = leftovers(home).values()
    if not pids:
        return
    import psutil  # only after a supervisor was killed

    left = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            left.append(psutil.Process(pid))
    _, slow = psutil.wait_procs(left, timeout=GRACE_SECONDS)
    for process in slow:
        process.kill()
    psutil.wait_procs(slow, timeout=GRACE_SECONDS)


def leftovers(home: Home) -> dict[str, int]:
    """Name → pid of the processes of a supervisor that did not stop in order, while they live."""
    known = home.read("processes.json").items()
    return {name: report["pid"] for name, report in known if _lives(report)}


def _lives(report: Mapping[str, Any]) -> bool:
    """Whether its process lives: its number may have gone to somebody else.

    Where the system does not tell when a process started, nobody knows, and it is left alone.
    """
    ticks = report.get("start_ticks")
    if not ticks or report.get("boot_id") != boot_id():
        return False
    return bool(start_ticks(report["pid"]) == ticks)
