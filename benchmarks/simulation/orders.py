"""The orders that are compared: first come, by attained service, by an oracle, and ours."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from benchmarks.simulation.philly import TraceJob
from benchmarks.simulation.turns import Preempting
from pileus.jobs.policy.ordering import LEAST_SECONDS, STEPS, Ranks, Standing, standing
from pileus.jobs.policy.prediction import History, Likeness

LIMITS = (18_000.0,)
"""GPU-seconds after which a job is behind new ones: two queues, as public simulators have of Tiresias.
On a pool that is overloaded for weeks they are too few, so levels that double are run beside them."""

_ANEW = 64
"""Ended jobs after which ranks are made anew; before, only a job that ran on has another rank."""


def attained(area: float, limits: Sequence[float]) -> float:
    """The number of the level of a job that had `area`; `limits` are where the next one begins."""
    return float(bisect_right(limits, area))


def attained_finely(area: float, base: float = 2.0) -> float:
    """The same with levels each `base` times as long as the one before, from a minute on."""
    return math.floor(math.log(max(area, LEAST_SECONDS), base))


class _Forgetful:
    """Learns nothing."""

    preempting = Preempting(margin=1.0, least_seconds=0.0)
    backfills = False

    def started(self, job: TraceJob, since: float) -> None:
        pass

    def stopped(self, job: TraceJob, since: float) -> None:
        pass

    def ended(self, job: TraceJob) -> None:
        pass


class AttainedService(_Forgetful):
    """Levels of GPU-seconds, first come first served in each."""

    def rank(self, job: TraceJob, done_seconds: float, now: float) -> float:  # noqa: ARG002
        return attained(done_seconds * job.gpus, LIMITS)


class FineAttainedService(_Forgetful):
    """Levels that double."""

    def rank(self, job: TraceJob, done_seconds: float, now: float) -> float:  # noqa: ARG002
        return attained_finely(done_seconds * job.gpus)


class FirstCome(_Forgetful):
    """As they came, with EASY backfill; durations are known, which real users' estimates fall short of."""

    backfills = True

    def rank(self, job: TraceJob, done_seconds: float, now: float) -> float:  # noqa: ARG002  only arrival matters
        return job.arrived


class Oracle(_Forgetful):
    """The shortest remaining area, with the duration known in advance."""

    def rank(self, job: TraceJob, done_seconds: float, now: float) -> float:  # noqa: ARG002
        return (job.seconds - done_seconds) * job.gpus


class Expected:
    """Ours, of `jobs/policy/ordering.py`: by what jobs alike are known to take, and by what still runs."""

    preempting = Preempting(margin=1.2, least_seconds=0.0)
    backfills = False

    def __init__(self) -> None:
        self._history = History()
        self._known = Ranks()
        self._learnt = 0
        self._ranks: dict[str, tuple[int, int, Standing]] = {}

    def started(self, job: TraceJob, since: float) -> None:
        self._known.going.begin(_likeness(job), since)

    def stopped(self, job: TraceJob, since: float) -> None:
        self._known.going.end(_likeness(job), since)

    def ended(self, job: TraceJob) -> None:
        self._history.learn(_likeness(job), job.seconds)
        self._learnt += 1
        self._ranks.pop(job.id, None)

    def rank(self, job: TraceJob, done_seconds: float, now: float) -> float:
        stands = self._standing(job, done_seconds, now)
        return math.exp2(stands.level_after(now - job.arrived - done_seconds) / STEPS)

    def _standing(self, job: TraceJob, done_seconds: float, now: float) -> Standing:
        """As of now; of a job that has run, as of a moment ago."""
        if not done_seconds:
            seconds = self._known.seconds(self._history, _likeness(job), 0.0, now)
            return standing(seconds, job.gpus, 0.0)
        step = int(4 * math.log2(max(done_seconds, 60.0)))
        age = self._learnt // _ANEW
        known = self._ranks.get(job.id)
        if known is not None and known[:2] == (step, age):
            return known[2]
        seconds = self._known.seconds(self._history, _likeness(job), done_seconds, now)
        stands = standing(seconds, job.gpus, done_seconds)
        self._ranks[job.id] = (step, age, stands)
        return stands


def _likeness(job: TraceJob) -> Likeness:
    """The trace tells of no code."""
    return Likeness(job.project, "", f"gpu={job.gpus}")
