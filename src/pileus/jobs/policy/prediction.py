"""How long a job will run, from how long jobs like it ran that have ended.

Alike is first the same code with the same request in the same project; then, while too few of those
have ended, the same request in the project, the same request anywhere, and any job at all. Most jobs
of a cluster repeat earlier ones (Hu et al., Characterization and Prediction of Deep Learning
Workloads in Large-Scale GPU Datacenters, SC 2021). The last `KEPT` durations stand for a group, so
that memory is bounded and a change of habit is followed.

Jobs that have not ended teach nothing: while many long ones wait, predictions err towards short.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, deque
from typing import NamedTuple

KEPT = 256
"""Durations remembered of one group."""

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

    def learn(self, likeness: Likeness, seconds: float) -> None:
        """A job like this has ended after so long on its resources, all attempts together."""
        for group in likeness.groups:
            durations = self._durations.pop(group, None)
            if durations is None:
                durations = deque(maxlen=KEPT)
            durations.append(seconds)
            self._durations[group] = durations
            self._runtimes.pop(group, None)
        while len(self._durations) > GROUPS:
            forgotten, _ = self._durations.popitem(last=False)
            self._runtimes.pop(forgotten, None)

    def runtime(self, likeness: Likeness, ran_seconds: float = 0.0) -> Runtime:
        """Of the closest group in which enough jobs ran longer than this one has."""
        for group in likeness.groups:
            runtime = self._runtime(group)
            if len(runtime.longer_than(ran_seconds)) >= ENOUGH:
                return runtime
        return UNKNOWN

    def _runtime(self, group: Group) -> Runtime:
        durations = self._durations.get(group)
        if durations is None:
            return UNKNOWN
        runtime = self._runtimes.get(group)
        if runtime is None:
            runtime = self._runtimes[group] = Runtime(tuple(sorted(durations)))
        return runtime
