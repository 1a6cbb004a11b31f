"""The loop that turns waiting jobs into leases: load → decide → apply, woken by the change feed.

Applying bumps the pool's epoch in the same transaction, so that of two plans made from one
snapshot only the first counts; the other is thrown away and made anew.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from pileus.core.clock import Clock
from pileus.core.ids import NewId
from pileus.core.schemas.jobs import (
    Attempt,
    AttemptStatus,
    JobStatus,
    Lease,
    Pool,
)
from pileus.jobs.ends import Ends
from pileus.jobs.scheduler import Grant, PoolSnapshot, decide
from pileus.jobs.settings import JobsSettings
from pileus.jobs.store import (
    INSTALLATION,
    POOL,
    attempts,
    attempts_of,
    jobs,
    leases,
    nodes,
    pool,
    pools,
)
from pileus.metering.leases import freeze_prices, slice_of
from pileus.metering.ledger import Ledger
from pileus.storage.database import Database
from pileus.storage.errors import Stale
from pileus.storage.transaction import Change, Snapshot, Transaction

log = logging.getLogger(__name__)

_WAKES = {"job", "lease", "node", "pool"}


@dataclass(frozen=True)
class LoadedPool(PoolSnapshot):
    """A snapshot with the epoch it was read at."""

    epoch: int = 0


class Engine:
    """Grants leases, finds those that ran out, puts running ones on the ledger."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        new_id: NewId,
        ledger: Ledger,
        ends: Ends,
        settings: JobsSettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._ledger = ledger
        self._ends = ends
        self._settings = settings

    async def run(self) -> None:
        """Schedule until cancelled; each change of a job, lease, node or the pool wakes it."""
        while True:
            try:
                # Read before deciding: what changes while we decide wakes us again.
                seen = await self._database.read(lambda snapshot: snapshot.last_change())
                await self.schedule()
                await self.reap()
                await self._wait(seen)
            except Exception:
                # The loop is what everything waits for: it reports and goes on.
                log.exception("The engine's loop failed; it goes on")
                await self._clock.sleep(self._settings.rescue_seconds)

    async def schedule(self) -> int:
        """One decision, applied; how many leases it granted."""
        snapshot = await self._database.read(load_pool)
        plan = decide(snapshot)
        if not plan.grants:
            return 0
        try:
            return await self._database.write(
                lambda transaction: self._apply(transaction, snapshot.epoch, plan.grants)
            )
        except Stale:
            log.info("A plan was overtaken by another one; deciding again")
            return 0

    async def reap(self) -> int:
        """Mark attempts whose lease ran out; give up those that can no longer be running.

        How many were given up.
        """

        def suspects(transaction: Transaction) -> list[str]:
            lost = []
            fence = timedelta(seconds=self._settings.fence_seconds + self._settings.lease_seconds)
            expired = leases.find(
                transaction,
                [("released_at", "=", None), ("expires_at", "<", transaction.now)],
                order=["id"],
            )
            for lease in expired:
                attempt = attempts.get(transaction, id=lease.attempt)
                if attempt is None or attempt.status.is_final:
                    continue
                if attempt.status is not AttemptStatus.SUSPECT:
                    update = {"status": AttemptStatus.SUSPECT, "reason": "Its lease ran out"}
                    attempts.swap(transaction, attempt.model_copy(update=update))
                if transaction.now - lease.expires_at > fence:
                    lost.append(attempt.id)
            return lost

        has_expired = await self._database.read(
            lambda snapshot: bool(
                leases.find(
                    snapshot,
                    [("released_at", "=", None), ("expires_at", "<", snapshot.now)],
                    limit=1,
                )
            )
        )
        if not has_expired:
            return 0
        lost = await self._database.write(suspects)
        for attempt in lost:
            await self._ends.lost(attempt, "node_lost")
        return len(lost)

    async def meter(self) -> None:
        """Put what running leases used so far on the ledger; never beyond their expiry."""

        def work(transaction: Transaction) -> None:
            for lease in leases.find(transaction, [("released_at", "=", None)], order=["id"]):
                advanced, uses = slice_of(lease, min(transaction.now, lease.expires_at))
                if uses:
                    leases.swap(transaction, advanced)
                    self._ledger.post(transaction, uses)

        await self._database.write(work)

    async def _wait(self, seen: int) -> None:
        """Until something changes that a decision depends on, or it is time to look anyway."""
        deadline = self._clock.monotonic() + self._settings.rescue_seconds
        while (left := deadline - self._clock.monotonic()) > 0:
            if await self._database.wait(seen, left) == seen:
                return
            changes = await self._database.read(partial(_changes, after=seen))
            if any(change.noun in _WAKES for change in changes):
                return
            seen = changes[-1].seq if changes else seen

    def _apply(self, transaction: Transaction, epoch: int, grants: tuple[Grant, ...]) -> int:
        current = pool(transaction)
        if current.rev != epoch:
            raise Stale(f"The pool is at epoch {current.rev}, the plan was made at {epoch}")
        pools.swap(transaction, current)
        for grant in grants:
            self._grant(transaction, grant)
        return len(grants)

    def _grant(self, transaction: Transaction, grant: Grant) -> None:
        job = grant.job
        number = len(attempts_of(transaction, job.id)) + 1
        now = transaction.now
        attempt = attempts.insert(
            transaction,
            Attempt(
                id=self._new_id("att"),
                project=job.project,
                created_at=now,
                job=job.id,
                number=number,
                node=grant.node.id,
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
                node=grant.node.id,
                token=secrets.token_hex(16),
                resources=job.spec.resources,
                devices=grant.devices,
                expires_at=now + timedelta(seconds=self._settings.lease_seconds),
                metered_until=now,
                price_ids=freeze_prices(transaction, job.spec.resources),
            ),
        )
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


def load_pool(snapshot: Snapshot) -> LoadedPool:
    """Everything a decision needs, in one consistent read."""
    found = pools.get(snapshot, id=POOL) or Pool(
        id=POOL, project=INSTALLATION, created_at=snapshot.now, rev=1
    )
    return LoadedPool(
        now=snapshot.now,
        nodes=nodes.find(snapshot, order=["name"]),
        leases=leases.find(snapshot, [("released_at", "=", None)], order=["id"]),
        queue=jobs.find(
            snapshot,
            [("status", "=", JobStatus.QUEUED.value)],
            order=["-priority", "created_at", "id"],
        ),
        is_draining=found.is_draining,
        epoch=found.rev,
    )


def _changes(snapshot: Snapshot, after: int) -> list[Change]:
    return snapshot.changes(after)
