"""The orders that are compared: first come, by attained service, by an oracle, and ours."""

from __future__ import annotations

import math

from benchmarks.simulation.philly import TraceJob
from benchmarks.simulation.ranks import attained, attained_finely, expected
from benchmarks.simulation.turns import Preempting
from pileus.jobs.policy.prediction import History, Likeness

LIMITS = (18_000.0,)
"""GPU-seconds after which a job is behind new ones: two queues, as public simulators have of Tiresias.
On a pool that is overloaded for weeks they are too few, so levels that double are run beside them."""

_ANEW = 64
"""Ended jobs after which ranks are made anew; before, only a job that ran on has another rank."""


class _Forgetful:
    """Learns nothing."""

    preempting = Preempting(margin=1.0, least_seconds=0.0)
    backfills = False

    def ended(self, job: TraceJob) -> None:
        pass


class AttainedService(_Forgetful):
    """Levels of GPU-seconds, first come first served in each."""

    def rank(self, job: TraceJob, done_seconds: float) -> float:
        return attained(done_seconds * job.gpus, LIMITS)


class FineAttainedService(_Forgetful):
    """Levels that double."""

    def rank(self, job: TraceJob, done_seconds: float) -> float:
        return attained_finely(done_seconds * job.gpus)


class FirstCome(_Forgetful):
    """As they came, with EASY backfill; durations are known, which real users' estimates fall short of."""

    backfills = True

    def rank(self, job: TraceJob, done_seconds: float) -> float:  # noqa: ARG002  only arrival matters
        return job.arrived


class Oracle(_Forgetful):
    """The shortest remaining area, with the duration known in advance."""

    def rank(self, job: TraceJob, done_seconds: float) -> float:
        return (job.seconds - done_seconds) * job.gpus


class Expected:
    """Ours: by what jobs alike that have ended are known to take."""

    preempting = Preempting(margin=2.0, least_seconds=0.0)
    backfills = False

    def __init__(self) -> None:
        self._history = History()
        self._learnt = 0
        self._ranks: dict[str, tuple[int, int, float]] = {}

    def ended(self, job: TraceJob) -> None:
        self._history.learn(_likeness(job), job.seconds)
        self._learnt += 1
        self._ranks.pop(job.id, None)

    def rank(self, job: TraceJob, done_seconds: float) -> float:
        step = int(4 * math.log2(max(done_seconds, 60.0)))
        age = self._learnt // _ANEW
        known = self._ranks.get(job.id)
        if known is not None and known[:2] == (step, age):
            return known[2]
        runtime = self._history.runtime(_likeness(job), done_seconds)
        rank = expected(runtime, done_seconds, job.gpus)
        self._ranks[job.id] = (step, age, rank)
        return rank


def _likeness(job: TraceJob) -> Likeness:
    """The trace tells of no code."""
    return Likeness(job.project, "", f"gpu={job.gpus}")
