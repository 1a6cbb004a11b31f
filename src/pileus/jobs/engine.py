"""The loop that turns waiting jobs into leases: load → decide → apply, woken by the change feed.

Applying bumps the pool's epoch in the same transaction, so that of two plans made from one
snapshot only the first counts; the other is thrown away and made anew.
"""

from __future__ import annotations

import logging
import math
import secrets
from datetime import timedelta

from pileus.core.clock import Clock
from pileus.core.ids import NewId
from pileus.core.schemas.jobs import Attempt, AttemptStatus, Job, JobStatus, Lease, StopReason
from pileus.jobs.learning import Learning
from pileus.jobs.plan import Berth, Grant, Plan, Preemption
from pileus.jobs.policy.demand import Shape
from pileus.jobs.pool import LoadedPool, PoolMirror
from pileus.jobs.reaping import Reaper
from pileus.jobs.scheduler import decide
from pileus.jobs.settings import JobsSettings
from pileus.jobs.store import POOL, about_job, attempts, jobs, leases, pool, pools
from pileus.jobs.tables import JOBS, POOLS
from pileus.jobs.waking import wait_for_news
from pileus.metering.leases import Frozen, freeze_prices, slice_of
from pileus.metering.ledger import Ledger
from pileus.storage.database import Database, writing
from pileus.storage.errors import Stale
from pileus.storage.transaction import Change, Transaction

log = logging.getLogger(__name__)

_REAP_SECONDS = 1.0

_REST_SECONDS = 0.05
"""After a decision the engine rests for as long as it took, and not for longer."""

_AGAIN_SECONDS = 0.05
"""A decision looks at a part of a long queue only: what has started may have hidden what can start as
well. But something else happens first, where there is much to do."""

_LEARN_SECONDS = 1.0
"""What has ended is learnt from so often: with each lesson the rank of all jobs alike is another."""

_WAKES = {JOBS.noun, POOLS.noun}
"""A lease is released with a change of its job; a node that comes or changes bumps the pool."""


class Engine:
    """Grants leases and puts running ones on the ledger."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        new_id: NewId,
        ledger: Ledger,
        reaper: Reaper,
        settings: JobsSettings,
        learning: Learning,
        mirror: PoolMirror,
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._ledger = ledger
        self._reaper = reaper
        self._settings = settings
        self._learning = learning
        self._mirror = mirror
        self._carry = mirror.carry
        self._reap_at = 0.0
        self._learn_at = 0.0
        self._own: set[tuple[str, str, int]] = set()
        """Noun, id and rev of what the last plan changed."""

        self._again_seconds = math.inf
        """Until another look at what the last plan left waiting: most likely it may not start either."""

        self._retry_seconds = math.inf
        """From the last decision until the first job that backs off may be tried again; time is no event."""

    async def run(self) -> None:
        """Schedule until cancelled; each change of a job, lease, node or the pool wakes it."""
        while True:
            try:
                # Read before deciding: what changes while we decide wakes us again.
                seen = await self._database.wait(0, 0)
                began = self._clock.monotonic()
                await self.schedule()
                await self._reap()
                # Who waits for an answer meanwhile has a turn as well.
                took = self._clock.monotonic() - began
                await self._clock.sleep(min(took, _REST_SECONDS))
                rescue = self._settings.rescue_seconds
                pause = min(rescue, self._retry_seconds, self._again_seconds)
                await wait_for_news(self._database, self._clock, seen, self.is_news, pause)
            except Exception:
                # The loop is what everything waits for: it reports and goes on.
                log.exception("The engine's loop failed; it goes on")
                await self._clock.sleep(self._settings.rescue_seconds)

    def is_news(self, change: Change) -> bool:
        """Whether there may be something to decide after this change."""
        return change.noun in _WAKES and (change.noun, change.id, change.rev) not in self._own

    async def schedule(self) -> int:
        """One decision, applied; how many leases it granted."""
        return await self.apply(*await self.plan())

    async def plan(self) -> tuple[LoadedPool, Plan]:
        """One decision, and what it was made from."""
        now = self._clock.monotonic()
        if now >= self._learn_at:
            lessons = await self._database.read(self._learning.look)
            self._learning.learn(lessons)
            if lessons.is_all:
                self._learn_at = now + _LEARN_SECONDS
        is_short = self._mirror.is_close(await self._database.wait(0, 0))
        read = self._database.glance if is_short else self._database.read
        snapshot = await read(self._mirror.load)
        self._retry_seconds = snapshot.retry_seconds
        return snapshot, decide(snapshot, self._carry, snapshot.policy)

    async def apply(self, snapshot: LoadedPool, plan: Plan) -> int:
        """Write what was decided, unless something has overtaken it; how many leases it granted."""
        self._again_seconds = math.inf
        if not (plan.grants or plan.preemptions or plan.promises != snapshot.promises):
            return 0
        berths = sum(len(grant.berths) for grant in plan.grants)
        write = writing(self._database, berths + len(plan.preemptions))
        try:
            granted = await write(
                lambda transaction: self._apply(transaction, snapshot.epoch, plan)
            )
        except Stale:
            log.info("A plan was overtaken by another one; deciding again")
            return 0
        self._own = _changed_by(snapshot, plan)
        if len(plan.grants) < snapshot.waiting:
            self._again_seconds = _AGAIN_SECONDS
        for attempt, grant, berth in granted:
            with about_job(grant.job, attempt):
                log.info("Attempt %s was granted a lease on node %s", attempt, berth.node.name)
        for preemption in plan.preemptions:
            with about_job(preemption.winner):
                log.info("Job %s makes room", preemption.victim)
        return len(granted)

    async def _reap(self) -> None:
        """Look for leases that ran out. Not after each event: those are of other leases."""
        now = self._clock.monotonic()
        if now >= self._reap_at:
            self._reap_at = now + _REAP_SECONDS
            await self._reaper.reap()

    async def meter(self) -> None:
        """Put what running leases used on the ledger, up to their last renewal.

        Whether an attempt still ran after that, nobody has said yet: the report of an end may be on
        its way, and what is on the ledger stays there.
        """
        unsure = timedelta(seconds=self._settings.lease_seconds)

        def work(transaction: Transaction) -> None:
            for lease in leases.find(transaction, [("released_at", "=", None)], order=["id"]):
                advanced, uses = slice_of(lease, min(transaction.now, lease.expires_at - unsure))
                if uses:
                    leases.swap(transaction, advanced)
                    self._ledger.post(transaction, uses)

        await self._database.write(work)

    def _apply(
        self, transaction: Transaction, epoch: int, plan: Plan
    ) -> list[tuple[str, Grant, Berth]]:
        """Ids of the new attempts, and of what."""
        current = pool(transaction)
        if current.rev != epoch:
            raise Stale(f"The pool is at epoch {current.rev}, the plan was made at {epoch}")
        pools.swap(transaction, current.model_copy(update={"promises": dict(plan.promises)}))
        for preemption in plan.preemptions:
            self._preempt(transaction, preemption)
        granted = []
        prices: dict[Shape, Frozen] = {}
        for grant in plan.grants:
            resources = grant.job.spec.resources
            shape = Shape.of(resources)
            if shape not in prices:
                prices[shape] = freeze_prices(transaction, resources)
            made = self._grant(transaction, grant, prices[shape])
            granted += [
                (attempt, grant, berth) for attempt, berth in zip(made, grant.berths, strict=True)
            ]
        return granted

    def _preempt(self, transaction: Transaction, preemption: Preemption) -> None:
        """Ask for a stop, unless it has ended or was asked already: its room is free or will be."""
        job = jobs.get(transaction, id=preemption.victim)
        if job is not None and job.status is JobStatus.RUNNING and job.stop_requested is None:
            update = {"stop_requested": StopReason.PREEMPT}
            jobs.swap(transaction, job.model_copy(update=update))

    def _grant(self, transaction: Transaction, grant: Grant, prices: Frozen) -> list[str]:
        """Ids of the new attempts, by rank."""
        job, now = grant.job, transaction.now
        number = job.attempts + 1
        granted = [
            self._berthed(transaction, job, prices, number, rank, berth)
            for rank, berth in enumerate(grant.berths)
        ]
        jobs.swap(
            transaction,
            job.model_copy(
                update={
                    "status": JobStatus.RUNNING,
                    "started_at": job.started_at or now,
                    "attempts": number,
                    "reason": None,
                    "hint": None,
                    "not_before": None,
                }
            ),
        )
        return granted

    def _berthed(
        self,
        transaction: Transaction,
        job: Job,
        prices: Frozen,
        number: int,
        rank: int,
        berth: Berth,
    ) -> str:
        """Id of the attempt that has a lease there now."""
        now, timeout = transaction.now, job.spec.timeout_seconds
        attempt = attempts.insert(
            transaction,
            Attempt(
                id=self._new_id("att"),
                project=job.project,
                created_at=now,
                job=job.id,
                number=number,
                rank=rank,
                node=berth.node.id,
                status=AttemptStatus.GRANTED,
            ),
        )
        leases.insert(
            transaction,
            Lease(
                id=self._new_id("lse"),
                project=job.project,
                created_at=now,
                attempt=attempt.id,
                job=job.id,
                node=berth.node.id,
                token=secrets.token_hex(16),
                resources=job.spec.resources,
                devices=berth.devices,
                expires_at=now + timedelta(seconds=self._settings.lease_seconds),
                metered_until=now,
                price_ids=prices.price_ids,
                priority=job.priority,
                code_digest=job.code_digest,
                timeout_ms=None if timeout is None else round(timeout * 1000),
                micro_per_hour=prices.micro_per_hour,
            ),
        )
        return attempt.id


def _changed_by(snapshot: LoadedPool, plan: Plan) -> set[tuple[str, str, int]]:
    """Noun, id and rev of what applying the plan has changed, but of those that shall make room."""
    granted = {(JOBS.noun, grant.job.id, grant.job.rev + 1) for grant in plan.grants}
    return {(POOLS.noun, POOL, snapshot.epoch + 1), *granted}
