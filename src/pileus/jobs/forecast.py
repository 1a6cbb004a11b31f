"""When jobs that wait are expected to start: the scheduler's own decisions, made ahead of time.

What runs is taken to end when jobs alike mostly have (`policy/ending.py`), and each time it is decided
again with what then waits. So priorities, quotas, kept nodes and backfill count here as they will. Of
what waits behind a job whose end nobody knows, nothing is said. What is stopped to make room is
taken to be gone at once, and not put back into the queue.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from pileus.core.schemas.jobs import Job, Lease
from pileus.jobs.plan import Berth, Carry, Plan, Policy, PoolSnapshot
from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.ending import Endings
from pileus.jobs.policy.prediction import History
from pileus.jobs.scheduler import decide

MOST_WORK = 4000
"""Jobs and nodes looked at in one forecast, each time that it decides: some tens of milliseconds."""

STEP_SHARE = 0.01
"""Ends are taken together that differ by less than this share of how far ahead they are."""


def forecast(
    pool: PoolSnapshot, plan: Plan, history: History, policy: Policy, asked: Collection[str]
) -> Mapping[str, datetime]:
    """When the `asked` jobs start that `plan`, which was made of `pool`, lets wait.

    Of jobs that are missing in what is returned nothing is known, or they are too far ahead.
    """
    if pool.is_draining:
        return {}
    ahead = _Ahead(pool, history)
    left = set(asked)
    found: dict[str, datetime] = {}
    work = 0
    while left and work < MOST_WORK:
        ahead.apply(plan)
        if not ahead.advance():
            break
        work += len(ahead.pool.queue) + len(ahead.pool.nodes)
        plan = decide(ahead.pool, ahead.carry, policy)
        for grant in plan.grants:
            if grant.job.id in left:
                left.remove(grant.job.id)
                found[grant.job.id] = ahead.pool.now
    return found


class _Ahead:
    """The pool as it will be."""

    def __init__(self, pool: PoolSnapshot, history: History) -> None:
        self.pool = pool
        self.carry = Carry(history)
        self._since = pool.now
        self._ends: dict[str, datetime] = {}
        """Running job → its expected end, where that is known."""

        endings = Endings(history, pool.now)
        for lease in pool.leases:
            end = pool.now if lease.job in pool.stopping else endings.of_lease(lease)
            if end is not None:
                self._ends[lease.job] = end

    def apply(self, plan: Plan) -> None:
        """What was decided is done."""
        pool = self.pool
        endings = Endings(self.carry.history, pool.now)
        held = dict(pool.held)
        for grant in plan.grants:
            job = grant.job
            for berth in grant.berths:
                node = berth.node.id
                held[node] = (*held.get(node, ()), _lease(job, berth, pool.now))
            end = endings.of_job(job, Shape.of(job.spec.resources))
            if end is not None:
                self._ends[job.id] = end
        started = plan.nodes.keys()
        victims = {preemption.victim for preemption in plan.preemptions}
        self._ends.update(dict.fromkeys(victims, pool.now))
        self.pool = replace(
            pool,
            held=held,
            queue=[job for job in pool.queue if job.id not in started],
            stopping=pool.stopping | victims,
            promises=plan.promises,
        )

    def advance(self) -> bool:
        """Go to when something ends or may be tried again; whether anything is known to."""
        pool = self.pool
        events = [*self._ends.values(), *_retries(pool.queue, pool.now)]
        if not events:
            return False
        first = max(min(events), pool.now)
        until = first + (first - self._since) * STEP_SHARE
        now = max(first, *(event for event in events if event <= until))
        over = {job for job, end in self._ends.items() if end <= now}
        for job in over:
            del self._ends[job]
        held = {
            node: tuple(lease for lease in leases if lease.job not in over)
            for node, leases in pool.held.items()
        }
        self.pool = replace(pool, now=now, held=held, stopping=pool.stopping - over)
        return True


def _retries(queue: Collection[Job], now: datetime) -> list[datetime]:
    return [job.not_before for job in queue if job.not_before is not None and job.not_before > now]


def _lease(job: Job, berth: Berth, now: datetime) -> Lease:
    """What the job would hold there, as far as decisions look at it."""
    timeout = job.spec.timeout_seconds
    return Lease(
        id="",
        project=job.project,
        created_at=now,
        attempt="",
        job=job.id,
        node=berth.node.id,
        token="",
        resources=job.spec.resources,
        devices=berth.devices,
        expires_at=now,
        metered_until=now,
        priority=job.priority,
        code_digest=job.code_digest,
        timeout_ms=None if timeout is None else round(timeout * 1000),
    )
