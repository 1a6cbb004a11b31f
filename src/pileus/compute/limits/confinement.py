"""All that holds one attempt to its limits, by the best means that this node has."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pileus.compute import ending, processes
from pileus.compute.layout import Layout
from pileus.compute.limits import disk, memory, rlimits
from pileus.compute.limits.amounts import MIB, Limits
from pileus.compute.limits.cgroup import Cgroup
from pileus.compute.limits.gauge import Gauge

_MEMORY_RATE_MIB = 4096
"""A process touches fresh memory about this fast."""

_DISK_RATE_MIB = 1024
_FOREIGN = frozenset({"inputs"})
"""What the attempt's directory holds and the attempt did not write."""


class Confinement:
    """Made by the runner before the attempt starts; it lives and ends with the runner, so a worker
    that is started again has nothing to do."""

    def __init__(self, layout: Layout, limits: Limits, *, is_sandboxed: bool = False) -> None:
        self._layout = layout
        self.is_sandboxed = is_sandboxed
        rlimits.apply(limits)
        self._group = _group(layout, limits)
        self._gauges: dict[str, Gauge] = {}
        is_watched = self._group is None or not self._group.limits_memory
        if limits.memory_mib is not None and is_watched and sys.platform.startswith("linux"):
            most = limits.memory_mib * MIB
            self._gauges[ending.OUT_OF_MEMORY] = Gauge(
                lambda: memory.used_bytes(processes.descendants(os.getpid()), most),
                limits.memory_mib,
                _MEMORY_RATE_MIB,
            )
        if limits.disk_mib is not None:
            self._gauges[ending.DISK_FULL] = Gauge(
                lambda: disk.used_bytes(layout.directory, without=_FOREIGN),
                limits.disk_mib,
                _DISK_RATE_MIB,
            )

    @contextmanager
    def entered(self) -> Iterator[None]:
        """While the attempt's first process is started."""
        if self._group is None:
            yield
            return
        with self._group.entered():
            yield

    def breach(self, now: float) -> str | None:
        """The reason to end the attempt, if it is beyond a limit that only we hold."""
        return next((why for why, gauge in self._gauges.items() if gauge.is_over(now)), None)

    def wait_seconds(self, now: float) -> float:
        """How long until the next look is due."""
        due = [gauge.due_at for gauge in self._gauges.values()]
        return max(0.0, min(due) - now) if due else float("inf")

    @property
    def was_refused_disk(self) -> bool:
        """Whether the quota is used up: the system refuses the last bytes before we see it."""
        gauge = self._gauges.get(ending.DISK_FULL)
        return gauge is not None and gauge.is_full

    @property
    def oom_kills(self) -> int:
        """Processes that were killed for want of memory, as near to the attempt as the kernel tells."""
        if self._group is not None and self._group.limits_memory:
            return self._group.oom_kills
        return ending.oom_kills()

    def peaks(self) -> dict[str, int]:
        """The most that was seen of what is limited, for `exit.json`."""
        found = {
            name: gauge.peak_mib
            for name, why in (
                ("peak_memory_mib", ending.OUT_OF_MEMORY),
                ("peak_disk_mib", ending.DISK_FULL),
            )
            if (gauge := self._gauges.get(why)) is not None and gauge.peak_mib
        }
        if self._group is not None and self._group.peak_mib:
            found["peak_memory_mib"] = self._group.peak_mib
        return found

    def ask(self, child: int) -> None:
        """SIGTERM to the attempt. The sandbox's own process would take all down with it at once."""
        if self.is_sandboxed:
            processes.signal_all(processes.descendants(child), signal.SIGTERM)
        else:
            processes.signal_group(child, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to every process of the attempt, those that left its session included."""
        if self._group is not None:
            self._group.kill()
        processes.kill_all(os.getpid(), self._layout.mark, spare=os.getpid())

    def close(self) -> None:
        """Let go of the group of an attempt that is over."""
        if self._group is not None:
            self._group.remove()


def _group(layout: Layout, limits: Limits) -> Cgroup | None:
    if limits.cgroup is None:
        return None
    try:
        return Cgroup.make(Path(limits.cgroup), layout.directory.name, limits)
    except OSError as error:  # taken away since the worker looked: what we watch holds
        sys.stderr.write(f"no control group: {error.strerror}\n")
        return None
