"""How the jobs of a workload fared, and what deciding took."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from benchmarks.replay.workload import Submission


class Ended(NamedTuple):
    """A job that has ended."""

    wanted: Submission
    at: float
    held: float
    """Seconds that all its runs held resources."""

    @property
    def completion(self) -> float:
        """Seconds from arrival to end."""
        return self.at - self.wanted.arrived


class Busy:
    """How much of a pool is held while jobs wait."""

    def __init__(self, size: int, since: datetime) -> None:
        self._size = size
        self._until = since
        self._waited = 0.0
        self._held = 0.0

    def until(self, now: datetime, held: int, *, has_waiting: bool) -> None:
        """Since the last word this much was held."""
        if has_waiting:
            seconds = (now - self._until).total_seconds()
            self._waited += seconds
            self._held += seconds * held
        self._until = now

    @property
    def share(self) -> float | None:
        """Of the pool; None if no job ever waited."""
        return self._held / (self._size * self._waited) if self._waited else None


class Outcome(NamedTuple):
    """What is printed. Times are in seconds, of the simulated clock unless they say otherwise."""

    jobs: int
    """That ended."""

    left_out: int
    """That ask for more than the pool, or the quota of their project, could ever give."""

    makespan: float
    mean_completion: float
    median_completion: float
    mean_wait: float
    """From arrival to end without what was held."""

    slowdown_p99: float
    """Completion over what the job takes undisturbed."""

    utilisation_while_waiting: float | None
    """Share of the GPUs (of a pool without any: processors) that is held while a job waits."""

    preemptions: int
    decisions: int
    decision_cpu_ms_p50: float
    decision_cpu_ms_p99: float
    violations: int = 0
    """None, or there is no outcome."""


def outcome(
    ended: Sequence[Ended],
    *,
    busy: Busy,
    left_out: int,
    preemptions: int,
    processor_ms: Sequence[float],
) -> Outcome:
    """The figures of at least one job."""
    completions = [one.completion for one in ended]
    return Outcome(
        jobs=len(ended),
        left_out=left_out,
        makespan=max(one.at for one in ended),
        mean_completion=statistics.fmean(completions),
        median_completion=statistics.median(completions),
        mean_wait=statistics.fmean(one.completion - one.held for one in ended),
        slowdown_p99=_quantile([one.completion / one.wanted.seconds for one in ended], 0.99),
        utilisation_while_waiting=busy.share,
        preemptions=preemptions,
        decisions=len(processor_ms),
        decision_cpu_ms_p50=_quantile(processor_ms, 0.5),
        decision_cpu_ms_p99=_quantile(processor_ms, 0.99),
    )


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
