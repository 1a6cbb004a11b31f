"""
Control groups of version 2: the kernel's own limits, and the only list of an attempt's processes
that none of them can leave.

https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pileus.compute.limits.amounts import MIB, Limits

CONTROLLERS = ("cpu", "memory", "pids")
LEADERS = "pileus-leaders"
"""Child that the worker and its runners move to: a group that limits its children is empty."""

PROCESSES_MAX = 8192
"""Processes and threads of one attempt; what forks without end stops there."""

_PERIOD_USEC = 100_000
_GONE_SECONDS = 5.0
_PAUSE_SECONDS = 0.005


class Cgroup:
    """The group of one attempt. Its methods do nothing where the kernel offers no such file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, parent: Path, name: str, limits: Limits) -> Cgroup:
        """A group with its limits set; one of that name is used again. Raises OSError."""
        group = cls(parent / name)
        group.path.mkdir(exist_ok=True)
        if limits.cpu_milli is not None:
            group._write("cpu.max", f"{limits.cpu_milli * _PERIOD_USEC // 1000} {_PERIOD_USEC}")
        if limits.memory_mib is not None:
            group._write("memory.max", str(limits.memory_mib * MIB))
            group._write("memory.swap.max", "0")
        # One process of an attempt that dies takes the others along: half an attempt is of no use.
        group._write("memory.oom.group", "1")
        group._write("pids.max", str(PROCESSES_MAX))
        return group

    @contextmanager
    def entered(self) -> Iterator[None]:
        """What is started meanwhile is in the group from its first instruction; we are not, after.

        Raises OSError.
        """
        (self.path / "cgroup.procs").write_text("0")
        try:
            yield
        finally:
            _leaders(self.path.parent).joinpath("cgroup.procs").write_text("0")

    @property
    def limits_memory(self) -> bool:
        """Whether the kernel holds its limit of memory."""
        return (self.path / "memory.max").exists()

    @property
    def peak_mib(self) -> int:
        """The most memory that it used; 0 where the kernel does not tell."""
        words = _words(self.path / "memory.peak")
        return int(words[0]) // MIB if words and words[0].isdigit() else 0

    @property
    def used_mib(self) -> int:
        """Memory that the kernel could not take back: without what it caches of files."""
        counts = self._counts("memory.stat")
        return (counts.get("anon", 0) + counts.get("shmem", 0)) // MIB

    @property
    def cpu_ms(self) -> int:
        """Processor time of all that ever was in it."""
        return self._counts("cpu.stat").get("usage_usec", 0) // 1000

    @property
    def oom_kills(self) -> int:
        """Processes that the kernel has killed because the group was at its limit."""
        return self._counts("memory.events").get("oom_kill", 0)

    @property
    def pids(self) -> list[int]:
        """Processes in it; those of other name spaces are 0 and left out."""
        return [int(word) for word in _words(self.path / "cgroup.procs") if word != "0"]

    @property
    def size(self) -> int:
        """How many processes are in it, those of other name spaces included."""
        return len(_words(self.path / "cgroup.procs"))

    def kill(self) -> bool:
        """SIGKILL to all that is in it, new forks included; whether the kernel offers that."""
        try:
            (self.path / "cgroup.kill").write_text("1")
        except OSError:
            return False
        deadline = time.monotonic() + _GONE_SECONDS
        while self.pids and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
        return True

    def remove(self) -> None:
        """Remove it; one that holds a process in uninterruptible sleep stays."""
        with suppress(OSError):
            self.path.rmdir()

    def _counts(self, name: str) -> dict[str, int]:
        words = _words(self.path / name)
        return {key: int(value) for key, value in zip(words[::2], words[1::2], strict=False)}

    def _write(self, name: str, value: str) -> None:
        path = self.path / name
        if path.exists():
            path.write_text(value)


def delegated(
    mounts: Path = Path("/proc/self/mounts"), own: Path = Path("/proc/self/cgroup")
) -> Path | None:
    """
    The group below which attempts may have theirs, with its controllers on; None where there is
    none.

    Ours it is when systemd says so (`Delegate=yes`), or when it is the root of a container. Its
    processes move to a child, for the kernel lets no group both hold processes and limit children.
    """
    group = _own_group(mounts, own)
    if group is None:
        return None
    if group.name == LEADERS:  # an earlier worker, or the supervisor's, has moved us
        group = group.parent
    if not _is_ours(group) or "memory" not in _words(group / "cgroup.controllers"):
        return None
    try:
        _move_to_leaders(group)
        wanted = [
            f"+{name}" for name in CONTROLLERS if name in _words(group / "cgroup.controllers")
        ]
        (group / "cgroup.subtree_control").write_text(" ".join(wanted))
    except OSError:
        return None
    return group


def _own_group(mounts: Path, own: Path) -> Path | None:
    root = next(
        (
            Path(words[1])
            for words in map(str.split, _lines(mounts))
            if len(words) > 2 and words[2] == "cgroup2"
        ),
        None,
    )
    inside = next((line[3:] for line in _lines(own) if line.startswith("0::")), None)
    if root is None or inside is None:
        return None
    return root / inside.lstrip("/")


def _is_ours(group: Path) -> bool:
    if not os.access(group / "cgroup.procs", os.W_OK) or not os.access(group, os.W_OK):
        return False
    try:
        if os.getxattr(group, "user.delegate") == b"1":
            return True
    except OSError:
        pass
    # The root that a container sees has a type; the root of the machine, which is not ours, none.
    parent_is_group = (group.parent / "cgroup.procs").exists()
    return not parent_is_group and (group / "cgroup.type").exists()


def _move_to_leaders(group: Path) -> None:
    leaders = group / LEADERS
    leaders.mkdir(exist_ok=True)
    for pid in _words(group / "cgroup.procs"):
        with suppress(ProcessLookupError):
            (leaders / "cgroup.procs").write_text(pid)


def _leaders(group: Path) -> Path:
    leaders = group / LEADERS
    return leaders if leaders.exists() else group


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
