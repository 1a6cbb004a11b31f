"""Finds leases that ran out: marks their attempts, and gives up those that cannot run any more."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from pileus.core.clock import Clock
from pileus.core.schemas.jobs import AttemptStatus, Lease
from pileus.jobs.ends import Ends
from pileus.jobs.settings import JobsSettings
from pileus.jobs.store import attempts, leases
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot, Transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Expired:
    """A lease that ran out."""

    lease: Lease
    since: timedelta
    is_suspect: bool


class Reaper:
    """Looks after attempts whose node has fallen silent."""

    def __init__(
        self, database: Database, clock: Clock, ends: Ends, settings: JobsSettings
    ) -> None:
        self._database = database
        self._clock = clock
        self._ends = ends
        self._settings = settings
        self._expired_since: dict[str, float] = {}
        """Lease → since when, on the monotonic clock, this process has known that it ran out."""

    async def reap(self) -> int:
        """Mark attempts whose lease ran out; give up those that can no longer be running.

        How many were given up.
        """
        expired = await self._database.read(_expired)
        self._expired_since = {
            found.lease.id: self._expired_since.get(found.lease.id, self._clock.monotonic())
            for found in expired
        }
        if any(not found.is_suspect for found in expired):
            await self._database.write(_suspect)
        lost = [found.lease for found in expired if self._is_gone(found)]
        for lease in lost:
            try:
                await self._ends.lost(lease, "node_lost")
            except Exception:
                # One that cannot be recorded must not keep the others from running again.
                log.exception("The loss of attempt %s could not be recorded", lease.attempt)
        return len(lost)

    def _is_gone(self, found: Expired) -> bool:
        """Whether its runner has ended itself by now: nobody renewed it for the fence's time.

        A machine that slept, or whose clock jumped, finds leases that ran out long ago while its
        runners, who count another clock, live: nodes get one more lease's time to say so.
        """
        lease_seconds = self._settings.lease_seconds
        fence = timedelta(seconds=self._settings.fence_seconds + lease_seconds)
        watched = self._clock.monotonic() - self._expired_since[found.lease.id]
        return found.since > fence and watched >= lease_seconds


def _expired(snapshot: Snapshot) -> list[Expired]:
    found = leases.find(
        snapshot, [("released_at", "=", None), ("expires_at", "<", snapshot.now)], order=["id"]
    )
    return [
        Expired(
            lease,
            snapshot.now - lease.expires_at,
            is_suspect=attempt.status is AttemptStatus.SUSPECT,
        )
        for lease in found
        if (attempt := attempts.get(snapshot, id=lease.attempt)) is not None
    ]


def _suspect(transaction: Transaction) -> None:
    for found in _expired(transaction):
        attempt = attempts.get(transaction, id=found.lease.attempt)
        if attempt is not None and not found.is_suspect:
            update = {"status": AttemptStatus.SUSPECT, "reason": "Its lease ran out"}
            attempts.swap(transaction, attempt.model_copy(update=update))
