"""All that holds one attempt to its limits, by the best means that this node has."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pileus.compute import ending, processes
from pileus.compute.layout import Layout
from pileus.compute.limits import disk, memory, rlimits, sampling
from pileus.compute.limits.amounts import MIB, Limits
from pileus.compute.limits.cgroup import Cgroup
from pileus.compute.limits.gauge import SHORTEST_SECONDS, Gauge
from pileus.compute.limits.sampling import Reading, Sampler, Tree, Usage

_MEMORY_RATE_MIB = 4096
"""A process touches fresh memory about this fast."""

_DISK_RATE_MIB = 1024


class Confinement:
    """Made by the runner before the attempt starts; it lives and ends with the runner, so a worker
    that is started again has nothing to do."""

    def __init__(self, layout: Layout, limits: Limits, *, is_sandboxed: bool = False) -> None:
        self._layout = layout
        self.is_sandboxed = is_sandboxed
        rlimits.apply(limits)
        self._group = _group(layout, limits)
        self._gauges: dict[str, Gauge] = {}
        self._tree = Tree()
        self._counting = self._group if self._group and self._group.limits_memory else None
        """The group, where the kernel counts what is in it."""

        is_watched = self._counting is None
        if limits.memory_mib is not None and is_watched and sys.platform.startswith("linux"):
            most = limits.memory_mib * MIB
            self._gauges[ending.OUT_OF_MEMORY] = Gauge(
                lambda: memory.used_bytes(self._tree.now(), most),
                limits.memory_mib,
                _MEMORY_RATE_MIB,
            )
        if limits.disk_mib is not None:
            self._gauges[ending.DISK_FULL] = Gauge(
                lambda: disk.used_bytes(layout.directory, without=disk.FOREIGN),
                limits.disk_mib,
                _DISK_RATE_MIB,
            )
        self._sampler = Sampler(layout, self._reading, self._disk_seen_mib, time.monotonic())

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

    def sample(self, now: float) -> None:
        """Leave word of what is used, now and then; never a reason to wake up. Linux only."""
        if sys.platform.startswith("linux"):
            self._sampler.look(now)

    def usage(self, cpu_seconds: float) -> Usage:
        """What the attempt has used in all, for `exit.json`; `cpu_seconds` of what was waited for."""
        cpu_ms = 0 if self._counting is None else self._counting.cpu_ms
        return self._sampler.final(max(cpu_ms, round(cpu_seconds * 1000)))

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
        if self._counting is not None:
            return self._counting.oom_kills
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

    def _reading(self) -> Reading:
        if self._counting is not None:
            return sampling.of_group(self._counting)
        return sampling.of_tree(self._tree.lately(SHORTEST_SECONDS))

    def _disk_seen_mib(self) -> int | None:
        gauge = self._gauges.get(ending.DISK_FULL)
        return None if gauge is None else gauge.last_mib


def _group(layout: Layout, limits: Limits) -> Cgroup | None:
    if limits.cgroup is None:
        return None
    try:
        return Cgroup.make(Path(limits.cgroup), layout.directory.name, limits)
    except OSError as error:  # taken away since the worker looked: what we watch holds
        sys.stderr.write(f"no control group: {error.strerror}\n")
        return None
