"""Runs jobs of a trace through an order, on a virtual clock.

Decisions are made on ticks; what arrives or ends between two waits for the next, with its GPUs. A job
that was stopped keeps what it did, and takes `restart_seconds` longer when it is started again.
"""

from __future__ import annotations

import heapq
import statistics
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from benchmarks.simulation.easy import backfill
from benchmarks.simulation.philly import TraceJob
from benchmarks.simulation.space import NodeSpace, Place
from benchmarks.simulation.turns import Claim, Held, Preempting, Start, Turn, take_turns


class Order(Protocol):
    """What is compared: how jobs are ranked, and what is learnt of those that end."""

    preempting: Preempting

    backfills: bool
    """Whether jobs pass those before them instead of stopping those that run (`easy.py`)."""

    def rank(self, job: TraceJob, done_seconds: float, now: float) -> float:
        """Of a job that has done so much; the least goes first."""
        ...

    def started(self, job: TraceJob, since: float) -> None:
        """A job runs; `since` is when it had begun if it had run without a pause."""
        ...

    def stopped(self, job: TraceJob, since: float) -> None:
        """It does not run any more; `since` is what was said when it started."""
        ...

    def ended(self, job: TraceJob) -> None:
        """A job has ended: from now on its duration is known."""
        ...


@dataclass
class Progress:
    """A job that has come and not ended."""

    job: TraceJob
    done: float = 0.0
    """Seconds of its duration that are behind it, when it last stopped or was last looked at."""

    started: float | None = None
    """When it was last started; None while it waits."""

    overhead: float = 0.0
    """Of the current run: seconds of restarting before the job goes on."""

    runs: int = 0

    def done_at(self, now: float) -> float:
        if self.started is None:
            return self.done
        return self.done + max(now - self.started - self.overhead, 0.0)

    def ends_at(self) -> float:
        return self.since + self.job.seconds

    @property
    def since(self) -> float:
        """When it would have begun, had it run without a pause until now."""
        assert self.started is not None
        return self.started + self.overhead - self.done


class Outcome(NamedTuple):
    """How the jobs of a trace fared."""

    mean_jct_seconds: float
    slowdown_p50: float
    slowdown_p99: float
    utilisation: float
    """Useful GPU-seconds as a share of all, from the first arrival to the last end."""

    preemptions: int
    ticks: int


class Simulator:
    """One pool, one order, one trace."""

    def __init__(
        self,
        jobs: Sequence[TraceJob],
        nodes: int,
        order: Order,
        *,
        gpus: int = 8,
        tick_seconds: float = 60.0,
        restart_seconds: float = 60.0,
        refresh_seconds: float = 1800.0,
    ) -> None:
        self._jobs = jobs
        self._order = order
        self._tick = tick_seconds
        self._restart = restart_seconds
        self._refresh = refresh_seconds
        self._gpus = nodes * gpus
        self._space = NodeSpace(nodes, gpus, self._loss)
        self._live: dict[str, Progress] = {}
        self._waiting: dict[str, Progress] = {}
        self._queue: list[Claim] = []
        """Those that wait, in order."""

        self._running: dict[str, Progress] = {}
        self._ends: list[tuple[float, str, int]] = []
        self._now = 0.0
        self.ended: list[tuple[TraceJob, float]] = []
        self.preemptions = 0
        self.ticks = 0

    def run(self) -> Outcome:
        """Until every job has ended."""
        coming = 0
        refreshed = 0.0
        while coming < len(self._jobs) or self._live:
            self._settle()
            while coming < len(self._jobs) and self._jobs[coming].arrived <= self._now:
                job = self._jobs[coming]
                self._live[job.id] = Progress(job)
                self._wait(self._live[job.id])
                coming += 1
            if self._now >= refreshed + self._refresh:
                refreshed = self._now
                self._queue = sorted(map(self._claim, self._waiting.values()))
            if self._waiting:
                self._decide()
            self._now = self._next(coming)
        return self._outcome()

    def _next(self, coming: int) -> float:
        """The next tick on which anything can differ."""
        following = self._now + self._tick
        if self._waiting:
            return following
        times = [self._ends[0][0]] if self._ends else []
        if coming < len(self._jobs):
            times.append(self._jobs[coming].arrived)
        if not times:
            return following
        ticks = -(-min(times) // self._tick)
        return max(following, ticks * self._tick)

    def _settle(self) -> None:
        while self._ends and self._ends[0][0] <= self._now:
            at, name, run = heapq.heappop(self._ends)
            progress = self._live.get(name)
            if progress is None or progress.runs != run or progress.started is None:
                continue
            self._space.release(name)
            self._order.stopped(progress.job, progress.since)
            del self._live[name], self._running[name]
            self.ended.append((progress.job, at))
            self._order.ended(progress.job)

    def _decide(self) -> None:
        self.ticks += 1
        starts = self._backfill() if self._order.backfills else self._take_turns()
        if not starts:
            return
        for start in starts:
            self._start(start.job)
        self._queue = [claim for claim in self._queue if claim.turn.job in self._waiting]
        for start in starts:
            for victim in start.victims:
                self._stop(self._running.pop(victim))

    def _backfill(self) -> list[Start[Place]]:
        ends = {name: progress.ends_at() for name, progress in self._running.items()}
        return backfill(self._queue, ends, self._seconds, self._space, self._now)

    def _seconds(self, name: str) -> float:
        return self._live[name].job.seconds

    def _take_turns(self) -> list[Start[Place]]:
        running = {
            name: Held(self._claim(progress).turn, self._now - (progress.started or self._now))
            for name, progress in self._running.items()
        }
        return take_turns(self._queue, running, self._space, self._order.preempting)

    def _claim(self, progress: Progress) -> Claim:
        job = progress.job
        rank = self._order.rank(job, progress.done_at(self._now), self._now)
        return Claim(Turn(0, rank, job.arrived, job.id), job.gpus)

    def _wait(self, progress: Progress) -> None:
        self._waiting[progress.job.id] = progress
        insort(self._queue, self._claim(progress))

    def _start(self, name: str) -> None:
        progress = self._running[name] = self._waiting.pop(name)
        progress.overhead = self._restart if progress.runs else 0.0
        progress.runs += 1
        progress.started = self._now
        self._order.started(progress.job, progress.since)
        heapq.heappush(self._ends, (progress.ends_at(), name, progress.runs))

    def _stop(self, progress: Progress) -> None:
        self._order.stopped(progress.job, progress.since)
        progress.done = progress.done_at(self._now)
        progress.started = None
        self._wait(progress)
        self.preemptions += 1

    def _loss(self, name: str) -> float:
        """GPU-seconds that stopping a job loses: those of its restart."""
        return self._restart * self._live[name].job.gpus

    def _outcome(self) -> Outcome:
        slowdowns = sorted((at - job.arrived) / job.seconds for job, at in self.ended)
        last = max(at for _, at in self.ended)
        return Outcome(
            mean_jct_seconds=statistics.fmean(at - job.arrived for job, at in self.ended),
            slowdown_p50=_quantile(slowdowns, 0.5),
            slowdown_p99=_quantile(slowdowns, 0.99),
            utilisation=sum(job.area for job, _ in self.ended) / (self._gpus * last),
            preemptions=self.preemptions,
            ticks=self.ticks,
        )


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
