"""`exit.json`: how an attempt ended, as its runner saw it. Standard library only."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = 1

EXITED = "exited"
OUT_OF_MEMORY = "out_of_memory"
DISK_FULL = "disk_full"
"""The attempt's own quota; of the node's disk an attempt hears from its writes."""

START_FAILED = "start_failed"
SECRET_MISSING = "secret_missing"  # noqa: S105  a reason
"""What it names is not there any more."""

RUNNER_LOST = "runner_lost"
KILLED = "killed"
NODE_FAILED = "node_failed"

_CGROUP = Path("/sys/fs/cgroup")


def ended(
    code: int | None,
    reason: str,
    started_at: str,
    *,
    message: str | None = None,
    peak_rss_mib: int = 0,
    cpu_seconds: float = 0.0,
    peaks: Mapping[str, int] | None = None,
    usage: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document. A negative `code` is a signal, as in `os.waitstatus_to_exitcode`.

    `peak_rss_mib` is of its largest process, `peaks` of all of them together; `usage` is what was
    sampled, of an attempt that lasted long enough.
    """
    is_signal = code is not None and code < 0
    return {
        "schema": SCHEMA,
        "code": None if is_signal else code,
        "signal": -code if code is not None and is_signal else None,
        "reason": reason,
        "message": message,
        "started_at": started_at,
        "ended_at": now(),
        "peak_rss_mib": peak_rss_mib,
        "cpu_seconds": round(cpu_seconds, 3),
        **(peaks or {}),
        **({"usage": dict(usage)} if usage else {}),
    }


def not_started(message: str, reason: str = START_FAILED) -> dict[str, Any]:
    """An attempt whose command never ran."""
    return ended(None, reason, now(), message=message)


def lost(message: str, started_at: str, usage: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An attempt whose runner vanished without a word but, if there is one, its last sample."""
    return ended(None, RUNNER_LOST, started_at, message=message, usage=usage)


def why(
    code: int,
    asked: str | None,
    result: Mapping[str, Any] | None,
    *,
    was_oom_killed: bool,
    was_refused_disk: bool = False,
) -> str:
    """The reason of an end. `asked` is why we stopped it, if we did."""
    if asked is not None:
        # It was done before the request reached it: a stop that came too late changes nothing.
        was_done = code == 0 and result is not None and result.get("status") == "succeeded"
        return EXITED if was_done else asked
    if code == -signal.SIGKILL:
        return OUT_OF_MEMORY if was_oom_killed else KILLED
    if code != 0 and was_refused_disk:
        return DISK_FULL
    return EXITED


def peak_mib(max_rss: int) -> int:
    """`ru_maxrss`, which is in KiB on Linux and in bytes on macOS, in MiB."""
    return max_rss >> (20 if sys.platform == "darwin" else 10)


def oom_kills() -> int:
    """Processes that the kernel has killed for want of memory, as near to us as it tells.

    Of our control group where it counts them, else of the whole machine; 0 where neither does.
    """
    for path in _oom_counters():
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            continue
        for line in text.splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill" and value.strip().isdigit():
                return int(value)
    return 0


def now() -> str:
    """Wall time, as it is written in files."""
    return datetime.now(UTC).isoformat()


def _oom_counters() -> list[Path]:
    paths = []
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        hierarchy, controllers, group = line.split(":", 2)
        inside = group.lstrip("/")
        if hierarchy == "0":
            paths.append(_CGROUP / inside / "memory.events")
        elif "memory" in controllers.split(","):
            # Inside a container the group's path is often not mounted: its root is our group.
            paths += [
                _CGROUP / "memory" / inside / "memory.oom_control",
                _CGROUP / "memory" / "memory.oom_control",
            ]
    return [*paths, Path("/proc/vmstat")]
