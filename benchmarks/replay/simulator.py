"""Discrete events: jobs come, end, and have saved what they did when asked to stop; then it is decided.

A decision is made whenever something has happened, also by the decision before, as the engine does; and
every `tick_seconds` while a job waits, because time alone lets jobs start as well. What starts runs at once:
how long a start, an image or a checkpoint takes is not modelled beyond `restart_seconds`, which a job that was
stopped spends before it goes on, and `grace_seconds`, for which it holds its resources after it was asked to.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import NamedTuple

from benchmarks.replay.audit import Violation, check_node, check_plan, check_quotas
from benchmarks.replay.outcome import Busy, Ended, Outcome, outcome
from benchmarks.replay.pool import Pool, as_job
from benchmarks.replay.workload import Submission, Workload
from pileus.core.schemas.jobs import Job
from pileus.jobs.plan import Carry, Plan, Policy, PoolSnapshot
from pileus.jobs.policy.holdings import holdings_of
from pileus.jobs.policy.quota import Quotas
from pileus.jobs.scheduler import decide

START = datetime(2026, 1, 1, tzinfo=UTC)

GIVES_UP = timedelta(hours=1)
"""So long after the last event nothing starts by time alone: the scheduler's own patience is shorter."""


class _What(Enum):
    COMES = auto()
    ENDS = auto()
    HAS_STOPPED = auto()


class _Event(NamedTuple):
    at: datetime
    number: int
    """No two are equal, and what was foreseen first happens first."""

    what: _What
    job: str


@dataclass(eq=False, slots=True)
class _Progress:
    """A job from its arrival to its end."""

    job: Job
    wanted: Submission
    done: float = 0.0
    """Seconds of its work, when its last run stopped."""

    ran: float = 0.0
    """Seconds that earlier runs held resources."""

    runs: int = 0
    foreseen: int = 0
    """Number of the event that is next of it: earlier ones do not happen any more."""

    started: datetime = START
    """Of its last run."""

    overhead: float = 0.0

    def stops(self, now: datetime) -> None:
        """What it does from now on is not saved."""
        ran = (now - self.started).total_seconds()
        self.done += max(0.0, ran - self.overhead)


class Simulator:
    """One workload through one scheduler."""

    def __init__(
        self,
        workload: Workload,
        *,
        by_rank: bool = True,
        tick_seconds: float = 300.0,
        grace_seconds: float = 30.0,
        restart_seconds: float = 60.0,
        decide: Callable[[PoolSnapshot, Carry, Policy], Plan] = decide,
    ) -> None:
        self._policy = Policy(workload.quotas, by_rank)
        self.pool = Pool(workload.nodes, self._policy, START)
        self._nodes = {node.id: node for node in self.pool.nodes}
        self._tick = timedelta(seconds=tick_seconds)
        self._grace = timedelta(seconds=grace_seconds)
        self._restart = restart_seconds
        self._decide = decide
        self._events: list[_Event] = []
        self._foreseen = 0
        self._live: dict[str, _Progress] = {}
        self.left_out: list[Submission] = []
        """Those that the pool could never run."""

        for number, wanted in enumerate(workload.jobs):
            if not self.pool.could_ever_run(wanted):
                self.left_out.append(wanted)
                continue
            at = START + timedelta(seconds=wanted.arrived)
            job = as_job(number, wanted, at)
            self._live[job.id] = _Progress(job, wanted)
            self._foresee(at, _What.COMES, self._live[job.id])
        self.ended: list[Ended] = []
        self._busy = Busy(self.pool.size, START)
        self._processor_ms: list[float] = []
        self._preemptions = 0

    def run(self) -> Outcome:
        """Until every job has ended. Raises Violation if the scheduler breaks a promise."""
        now = last = START
        while self._events or self.pool.has_waiting:
            following = self._events[0].at if self._events else datetime.max.replace(tzinfo=UTC)
            if self.pool.has_waiting:
                following = min(following, now + self._tick)
            now = following
            self._busy.until(now, self.pool.held_milli, has_waiting=self.pool.has_waiting)
            while self._events and self._events[0].at <= now:
                last = now
                self._happen(heapq.heappop(self._events))
            while self.pool.has_waiting and self._changes_something(now):
                pass
            if self.pool.has_waiting and not self._events and now - last > GIVES_UP:
                raise Violation(f"{self.pool.first_waiting} waits for ever in an idle pool")
        return outcome(
            self.ended,
            busy=self._busy,
            left_out=len(self.left_out),
            preemptions=self._preemptions,
            processor_ms=self._processor_ms,
        )

    def _changes_something(self, now: datetime) -> bool:
        """One decision, applied."""
        snapshot = self.pool.snapshot(now)
        began = time.process_time()
        plan = self._decide(snapshot, self.pool.carry, self._policy)
        self._processor_ms.append((time.process_time() - began) * 1000)
        check_plan(snapshot, plan)
        self.pool.apply(plan, now)
        self._check(plan, now)
        for preemption in plan.preemptions:
            self._preemptions += 1
            progress = self._live[preemption.victim]
            progress.stops(now)
            self._foresee(now + self._grace, _What.HAS_STOPPED, progress)
        for grant in plan.grants:
            self._start(self._live[grant.job.id], now)
        return bool(plan.grants or plan.preemptions)

    def _check(self, plan: Plan, now: datetime) -> None:
        for node in {berth.node.id for grant in plan.grants for berth in grant.berths}:
            check_node(self._nodes[node], self.pool.on(node))
        quotas = self._policy.quotas
        if plan.grants and quotas:
            held = holdings_of(self.pool.held, self.pool.nodes, Quotas(quotas), now)
            check_quotas(quotas, held)

    def _start(self, progress: _Progress, now: datetime) -> None:
        progress.overhead = self._restart if progress.runs else 0.0
        progress.runs += 1
        progress.started = now
        left = progress.overhead + progress.wanted.seconds - progress.done
        self._foresee(now + timedelta(seconds=left), _What.ENDS, progress)

    def _foresee(self, at: datetime, what: _What, progress: _Progress) -> None:
        self._foreseen += 1
        progress.foreseen = self._foreseen
        heapq.heappush(self._events, _Event(at, self._foreseen, what, progress.job.id))

    def _happen(self, event: _Event) -> None:
        progress = self._live.get(event.job)
        if progress is None or event.number != progress.foreseen:
            return
        if event.what is _What.COMES:
            self.pool.submit(progress.job)
        elif event.what is _What.ENDS:
            self._end(progress, event.at)
        else:
            self._stop(progress, event.at)

    def _end(self, progress: _Progress, now: datetime) -> None:
        self.pool.end(progress.job, now, teaches=progress.runs == 1)
        del self._live[progress.job.id]
        held = progress.ran + (now - progress.started).total_seconds()
        self.ended.append(Ended(progress.wanted, (now - START).total_seconds(), held))

    def _stop(self, progress: _Progress, now: datetime) -> None:
        progress.ran += (now - progress.started).total_seconds()
        self.pool.stop(progress.job, progress.ran)
