"""Ends what a supervisor that was killed has left running, before the same home starts again.

Two servers on one database, or two workers in one home, must never overlap. Nobody else writes then,
so what a kill left half-written goes as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

    from pileus.cli.home import Home

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
    """Wait for the processes that `run/pids.json` names, then kill those that are still there."""
    pids = [pid for name, pid in home.read("pids.json").items() if name != "supervisor"]
    if not pids:
        return
    import psutil  # only after a supervisor was killed

    left = [process for pid in pids if (process := process_of(int(pid), home)) is not None]
    _, slow = psutil.wait_procs(left, timeout=GRACE_SECONDS)
    for process in slow:
        process.kill()
    psutil.wait_procs(slow, timeout=GRACE_SECONDS)


def process_of(pid: int, home: Home) -> psutil.Process | None:
    """The process, if it is one of this home: the number may have gone to somebody else."""
    import psutil  # see above

    try:
        process = psutil.Process(pid)
        return process if str(home.path) in process.cmdline() else None
    except psutil.Error:
        return None
