"""How long a job will run, from how long jobs like it ran that have ended.

Alike is first the same code with the same request in the same project; then, while too few of those
have ended, the same request in the project, the same request anywhere, and any job at all. Most jobs
of a cluster repeat earlier ones (Hu et al., Characterization and Prediction of Deep Learning
Workloads in Large-Scale GPU Datacenters, SC 2021). The last `KEPT` durations stand for a group, so
that memory is bounded and a change of habit is followed.

Jobs that have not ended teach nothing here: while many long ones run, this errs towards short. The
order, where that matters, counts them as well (`ordering.py`).
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict, deque
from itertools import islice
from typing import NamedTuple

KEPT = 256
"""Durations remembered of one group."""

LATELY = 64
"""Of those, the last ones, from which the order is made: with all 256 it was no better by more than 1 %."""

ENOUGH = 8
"""Ended jobs of a group that are believed; with fewer, a wider group is asked."""

GROUPS = 4096
"""Groups remembered; the one that was longest without an ended job is forgotten first."""

Group = tuple[str, ...]


class Likeness(NamedTuple):
    """What makes one job like another."""

    project: str
    code_digest: str
    request: str
    """What it asks for, in words; equal requests have equal words."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """From the closest to the widest."""
        return (
            ("code", self.project, self.code_digest, self.request),
            ("project", self.project, self.request),
            ("request", self.request),
            ("any",),
        )


class Runtime(NamedTuple):
    """Durations of jobs alike, in seconds, ascending; of none, when nothing is known."""

    seconds: tuple[float, ...]

    def longer_than(self, ran_seconds: float) -> tuple[float, ...]:
        """Those that went on for longer than this."""
        return self.seconds[bisect_right(self.seconds, ran_seconds) :]


UNKNOWN = Runtime(())


class History:
    """What ended jobs have taught. Sorted durations are kept until another of their group ends."""

    def __init__(self) -> None:
        self._durations: OrderedDict[Group, deque[float]] = OrderedDict()
        self._runtimes: dict[Group, Runtime] = {}
        self._lately: dict[Group, tuple[float, ...]] = {}
        self._lock = threading.Lock()
        """A queue is read in another thread than the one that learns."""

    def learn(self, likeness: Likeness, seconds: float) -> None:
        """A job like this has ended after so long on its resources, all attempts together."""
        with self._lock:
            for group in likeness.groups:
                durations = self._durations.pop(group, None)
                if durations is None:
                    durations = deque(maxlen=KEPT)
                durations.append(seconds)
                self._durations[group] = durations
                self._forget_sorted(group)
            while len(self._durations) > GROUPS:
                forgotten, _ = self._durations.popitem(last=False)
                self._forget_sorted(forgotten)

    def runtime(self, likeness: Likeness, ran_seconds: float = 0.0) -> Runtime:
        """Of the closest group in which enough jobs ran longer than this one has."""
        for group in likeness.groups:
            runtime = self._runtime(group)
            if len(runtime.longer_than(ran_seconds)) >= ENOUGH:
                return runtime
        return UNKNOWN

    def lately(self, group: Group) -> tuple[float, ...]:
        """How long the last ones of a group took, ascending."""
        found = self._lately.get(group)
        if found is None:
            with self._lock:
                last = islice(reversed(self._durations.get(group, ())), LATELY)
                found = tuple(sorted(last))
                if found:
                    self._lately[group] = found
        return found

    def _forget_sorted(self, group: Group) -> None:
        self._runtimes.pop(group, None)
        self._lately.pop(group, None)

    def _runtime(self, group: Group) -> Runtime:
        durations = self._durations.get(group)
        if durations is None:
            return UNKNOWN
        runtime = self._runtimes.get(group)
        if runtime is None:
            runtime = self._runtimes[group] = Runtime(tuple(sorted(durations)))
        return runtime
