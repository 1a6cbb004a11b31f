"""Processes of this machine: which one a pid means, and which ones belong to an attempt.

A pid alone means nothing: pids are used again, and after a boot all of them. Standard library only.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# Fields of /proc/PID/stat after the name, proc(5): state is the third, session the sixth,
# start time the twenty-second. From the fourteenth on: time of the process in user and system mode,
# and of those of its children that it has waited for.
_STATE, _SESSION, _START = 0, 3, 19
_TIMES = slice(11, 15)
_STAT_BYTES = 4096
_TICKS = os.sysconf("SC_CLK_TCK")
"""Of a clock that times are told in, a second."""

# A process in uninterruptible sleep dies when it wakes; nobody can wait for that.
_KILL_ROUNDS = 200
_KILL_PAUSE_SECONDS = 0.005


def boot_id() -> str:
    """Names this boot of this machine; empty where the system does not tell."""
    try:
        return _BOOT_ID.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when it does not live.

    0 where the system does not tell. A zombie does not live.
    """
    if not _PROC.is_dir():
        return 0 if _exists(pid) else None
    fields = _stat(pid)
    if fields is None or fields[_STATE] in {"Z", "X"}:
        return None
    return int(fields[_START])


def cpu_ms(pid: int) -> int:
    """Processor time that a process and the children it has waited for have used; 0 when gone."""
    fields = _stat(pid)
    return 0 if fields is None else sum(map(int, fields[_TIMES])) * 1000 // _TICKS


def threads() -> int:
    """Threads of this process; 0 where the system does not tell."""
    tasks = _PROC / "self" / "task"
    return len(list(tasks.iterdir())) if tasks.is_dir() else 0


def kill_all(session: int | None, mark: str, *, spare: int | None = None) -> None:
    """SIGKILL to every process of an attempt but `spare`, until none is left that could fork.

    Those of its session; those that left it, as daemons do, but have `mark`, a variable with its
    value, in the environment that they were started with; and what descends from any of them. Spare
    the runner while it may live: it adopts their orphans, which the next round finds under it.
    """
    for _ in range(_KILL_ROUNDS):
        living = _living()
        own = {pid for pid in living if pid == spare or _belongs(pid, session, mark)}
        targets = (own | _below(own, living)) - {spare}
        if not targets:
            return
        signal_all(targets, signal.SIGKILL)
        time.sleep(_KILL_PAUSE_SECONDS)


def descendants(pid: int) -> set[int]:
    """Living processes that descend from one, itself left out."""
    return _below({pid}, _living())


def signal_all(pids: set[int], signum: int) -> None:
    """Send a signal to each that is still there."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signum)


def signal_group(group: int, signum: int) -> None:
    """Send a signal to a process group; nothing when it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signum)


def _living() -> dict[int, int]:
    """Every process that lives, with its parent."""
    if not _PROC.is_dir():
        return {}
    found = {}
    for name in os.listdir(_PROC):  # noqa: PTH208  done for every look at a limit: half the time
        if not name.isdigit():
            continue
        try:
            with open(f"{_PROC}/{name}/stat", "rb", buffering=0) as file:  # noqa: PTH123  the same
                content = file.read(_STAT_BYTES)
        except OSError:
            continue
        state, parent, _ = content[content.rindex(b")") + 2 :].split(None, 2)
        if state not in {b"Z", b"X"}:
            found[int(name)] = int(parent)
    return found


def _below(roots: set[int], parents: dict[int, int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        fresh = [pid for pid in children.get(waiting.pop(), ()) if pid not in found]
        found.update(fresh)
        waiting += fresh
    return found


def _belongs(pid: int, session: int | None, mark: str) -> bool:
    fields = _stat(pid)
    if fields is not None and session is not None and int(fields[_SESSION]) == session:
        return True
    try:
        environment = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return os.fsencode(mark) in environment.split(b"\0")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name stands in parentheses and may itself contain blanks and parentheses.
    return text.rpartition(")")[2].split()
