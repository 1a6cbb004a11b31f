"""
What an attempt uses, looked at now and then for people to see: `usage.json`. Standard library only.

Not what holds it to its limits: a look here is rarer, and exact where a limit needs only a bound.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from pileus.compute import processes
from pileus.compute.files import replace_json
from pileus.compute.layout import Layout
from pileus.compute.limits import disk, memory
from pileus.compute.limits.amounts import MIB
from pileus.compute.limits.cgroup import Cgroup

SCHEMA = 1

FIRST_SECONDS = 0.5
"""An attempt that is over before is not looked at."""

EVERY_SECONDS = 2.0
DISK_SECONDS = 10.0
"""Where a quota does not ask for more."""

DISK_LOOK_SECONDS = 0.5
"""What takes longer to count is not looked at again: the runner has more urgent things to do."""

_COST = 20
"""A look is repeated after so many times what it took: 5 % of a processor at most."""


class Reading(NamedTuple):
    """Amounts at one look."""

    cpu_ms: int
    memory_mib: int
    processes: int


Usage = dict[str, int | float | None]
"""A sample, or what `exit.json` has of it."""

Read = Callable[[], Reading]
"""Counts what an attempt uses. Processor time is that of all its processes since it began."""


class Sampler:
    """Looks, remembers the peak, and leaves the last sample in the attempt's directory."""

    def __init__(
        self, layout: Layout, read: Read, quota_mib: Callable[[], int | None], began: float
    ) -> None:
        """`quota_mib` tells what was seen of the disk by who holds the quota, if anybody does.

        Times are of the monotonic clock, in seconds.
        """
        self._layout = layout
        self._read = read
        self._quota_mib = quota_mib
        self._due_at = began + FIRST_SECONDS
        self._disk_due_at: float | None = self._due_at
        self._disk_mib: int | None = None
        self._peak_mib = 0
        self._cpu_ms = 0
        self._at = began
        self._sample: Usage | None = None

    def look(self, now: float) -> None:
        """Take a sample, if it is time. What cannot be written is not told, and does no harm."""
        if now < self._due_at:
            return
        began = time.monotonic()
        reading = self._read()
        self._due_at = now + max(EVERY_SECONDS, _COST * (time.monotonic() - began))
        # Less than before: a child has ended, and its parent has not asked for its time yet.
        cpu_ms = max(self._cpu_ms, reading.cpu_ms)
        self._peak_mib = max(self._peak_mib, reading.memory_mib)
        self._look_at_disk(now)
        self._sample = {
            "schema": SCHEMA,
            "taken_at": now,
            "cpu_milli": round((cpu_ms - self._cpu_ms) / (now - self._at)),
            "cpu_ms": cpu_ms,
            "memory_mib": reading.memory_mib,
            "memory_peak_mib": self._peak_mib,
            "disk_mib": self._disk_mib,
            "processes": reading.processes,
        }
        self._cpu_ms, self._at = cpu_ms, now
        with suppress(OSError):
            replace_json(self._layout.usage, self._sample)

    def final(self, cpu_ms: int) -> Usage:
        """Keys of `exit.json` once the attempt is over; none of one that was never looked at.

        `cpu_ms` is what else is known of its processor time.
        """
        if self._sample is None:
            return {}
        self._cpu_ms = max(self._cpu_ms, cpu_ms)
        self._look_at_disk(float("inf"))
        return {
            "cpu_ms": self._cpu_ms,
            "memory_peak_mib": self._peak_mib,
            "disk_mib": self._disk_mib,
        }

    def _look_at_disk(self, now: float) -> None:
        seen = self._quota_mib()
        if seen is not None:
            self._disk_mib = seen
        elif self._disk_due_at is not None and now >= self._disk_due_at:
            self._disk_mib = self._counted(now)

    def _counted(self, now: float) -> int | None:
        began = time.monotonic()
        try:
            used = disk.used_bytes(
                self._layout.directory, without=disk.FOREIGN, within_seconds=DISK_LOOK_SECONDS
            )
        except TimeoutError:
            self._disk_due_at = None
            return None
        self._disk_due_at = now + max(DISK_SECONDS, _COST * (time.monotonic() - began))
        return used // MIB


def of_group(group: Cgroup) -> Reading:
    """As the kernel counts a control group."""
    return Reading(group.cpu_ms, group.used_mib, group.size)


def of_tree(pids: set[int]) -> Reading:
    """As /proc tells of the descendants of this process."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_ms = round((ended.ru_utime + ended.ru_stime) * 1000) + sum(map(processes.cpu_ms, pids))
    return Reading(cpu_ms, memory.exactly_used_bytes(pids) // MIB, len(pids))


class Tree:
    """The descendants of this process: walked once for all who look at the same time."""

    def __init__(self) -> None:
        self._pids: set[int] = set()
        self._walked_at = float("-inf")

    def now(self) -> set[int]:
        """Who lives now."""
        self._pids = processes.descendants(os.getpid())
        self._walked_at = time.monotonic()
        return self._pids

    def lately(self, seconds: float) -> set[int]:
        """Who lived at most so long ago."""
        return self._pids if time.monotonic() - self._walked_at <= seconds else self.now()
