"""What happens when an attempt ends, all of it in one transaction.

Attempt and job move on, the lease is released and its last slice is on the ledger, artifacts and
streams are recorded, and what the job asked for is made: a model version, a dataset version.
Reading and writing blobs happens before; a kill in between leaves an attempt that is reported again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pileus.core.clock import Clock
from pileus.core.errors import Conflict, InvalidRequest, PileusError
from pileus.core.failpoints import failpoint
from pileus.core.schemas.jobs import Artifact, Attempt, Job, JobStatus, Lease
from pileus.jobs.gangs import interrupted, members_of, verdict
from pileus.jobs.lifecycle import End, ended_attempt, ended_job, judge
from pileus.jobs.needs import settle
from pileus.jobs.outcomes import Make, Outcome
from pileus.jobs.settings import JobsSettings
from pileus.jobs.store import Held, about_job, attempts, held_by, jobs, leases
from pileus.jobs.tables import JOB_NEEDS
from pileus.jobs.told import checked_exit, checked_result
from pileus.jobs.usage import last_seen
from pileus.metering.leases import slice_of
from pileus.metering.ledger import Ledger
from pileus.metering.storage import StorageAccount
from pileus.storage.database import Database, writing
from pileus.storage.transaction import Snapshot, Transaction
from pileus.tracking.artifacts import record_artifacts
from pileus.tracking.metrics import MetricService
from pileus.tracking.streams import Sealed, StreamStore, record_sealed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reported:
    """How a node says that an attempt ended."""

    exit: Mapping[str, Any]
    result: Mapping[str, Any] | None
    artifacts: Sequence[Artifact]
    lost: Lease | None = None
    """Where nobody told: the lease as it was when its attempt was given up."""

    token: str | None = None
    """Where a node told: the token of the lease that it knows. Of another lease it tells nothing."""


class Ends:
    """Records ends of attempts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        streams: StreamStore,
        metrics: MetricService,
        ledger: Ledger,
        storage: StorageAccount,
        outcomes: Mapping[str, Outcome],
        settings: JobsSettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._streams = streams
        self._metrics = metrics
        self._ledger = ledger
        self._storage = storage
        self._outcomes = outcomes
        self._settings = settings

    async def record(self, attempt_id: str, reported: Reported, held: Held | None = None) -> None:
        """Record an end; repeating it changes nothing. `held` is the attempt as of the report, where that
        was read; what is decided of it is read again."""

        def load(snapshot: Snapshot) -> Held | None:
            attempt = attempts.get(snapshot, id=attempt_id)
            return held_by(snapshot, attempt) if attempt else None

        held = held or await self._database.glance(load)
        if held is None or reported.token not in {None, held.lease.token}:
            return
        if held.attempt.status.is_final:
            await self._streams.drop(attempt_id)  # a kill may have come before it
            return
        reported = replace(
            reported, exit=checked_exit(reported.exit), result=checked_result(reported.result)
        )
        with about_job(held.job, attempt_id):
            await self._record(held, reported)

    async def _record(self, held: Held, reported: Reported) -> None:
        attempt_id = held.attempt.id
        try:
            await self._metrics.seal(held.attempt.project, held.job.id, attempt_id)
            sealed = await self._streams.seal(held.attempt.project, attempt_id)
        except (OSError, PileusError):
            # Of servers that hear of one end at once, the first drops the files under the others.
            if await self._has_ended(attempt_id):
                return
            raise
        make, refused = await self._outcome(held, reported)
        failpoint("end.sealed")
        is_alone = make is None and not await self._is_waited_for(held)
        things = max(len(reported.artifacts), held.job.spec.gang)
        write = writing(self._database, things) if is_alone else self._database.write
        has_ended = await write(
            lambda transaction: self._apply(
                transaction, attempt_id, reported, sealed, make, refused
            )
        )
        failpoint("end.recorded")
        if has_ended:  # one that was given up too early still writes to these files
            reason = reported.exit.get("reason") or "done"
            log.info("Attempt %s has ended: %s", attempt_id, reason)
            await self._streams.drop(attempt_id)

    async def finish(self) -> None:
        """Drop the streams of attempts that have ended: a kill may have come before it, and who
        reports such an end is told to forget it, at once."""
        for attempt_id in await self._streams.live():
            if await self._has_ended(attempt_id):
                await self._streams.drop(attempt_id)

    async def lost(self, lease: Lease, reason: str) -> None:
        """Record that an attempt is gone without a word, unless its lease was renewed meanwhile.

        `reason` is a key of `CURABLE`.
        """
        moment = self._clock.now().isoformat()
        exit_: dict[str, Any] = {"schema": 1, "code": None, "reason": reason, "ended_at": moment}
        exit_ |= await self._database.read(lambda s: last_seen(s, lease.node, lease.attempt))
        await self.record(lease.attempt, Reported(exit_, None, (), lost=lease))

    async def _is_waited_for(self, held: Held) -> bool:
        """Whether jobs may start with its end, each of which looks through all that it needs."""
        waiting = await self._database.glance(
            lambda snapshot: snapshot.find(JOB_NEEDS, [("need", "=", held.job.id)], limit=1)
        )
        return bool(waiting)

    async def _has_ended(self, attempt_id: str) -> bool:
        attempt = await self._database.glance(
            lambda snapshot: attempts.get(snapshot, id=attempt_id)
        )
        return attempt is None or attempt.status.is_final

    async def _outcome(
        self, held: Held, reported: Reported
    ) -> tuple[Make | None, PileusError | None]:
        end = judge(held.job, held.attempt, reported.exit, reported.result)
        outcome = self._outcomes.get(held.job.kind)
        if end.job is not JobStatus.SUCCEEDED or outcome is None:
            return None, None
        try:
            return await outcome.read(held.job, held.attempt.id, reported.artifacts), None
        except (InvalidRequest, Conflict) as error:
            return None, error

    def _apply(
        self,
        transaction: Transaction,
        attempt_id: str,
        reported: Reported,
        sealed: list[Sealed],
        make: Make | None,
        refused: PileusError | None,
    ) -> bool:
        """Whether the attempt has ended now: here, or by another report before."""
        attempt = attempts.get(transaction, id=attempt_id)
        if attempt is None or attempt.status.is_final:
            return True
        held = held_by(transaction, attempt)
        lost = reported.lost
        if lost is not None and lost.expires_at != held.lease.expires_at:
            return False
        end = judge(held.job, attempt, reported.exit, reported.result)
        # Beyond its lease, nobody knows how long a lost attempt ran, and nobody pays for it.
        latest = transaction.now if lost is None else min(transaction.now, lost.expires_at)
        ended_at = _ended_at(reported.exit, held.lease, latest)
        if attempt.started_at is None:  # it ended before its node told that it runs
            started_at = _started_at(reported.exit, held.lease, ended_at)
            attempt = attempt.model_copy(update={"started_at": started_at})
        ended = attempts.swap(
            transaction, ended_attempt(attempt, end, reported.exit, reported.result, ended_at)
        )
        job = self._moved(transaction, held.job, ended, end)
        if refused is not None:
            job = self._outcomes[job.kind].refused(job, refused)
        jobs.swap(transaction, job)
        self._release(transaction, held.lease, ended_at)
        record_sealed(transaction, attempt.project, attempt.id, sealed)
        for stream in sealed:
            if stream.digest:
                self._storage.add(transaction, attempt.project, stream.digest, stream.stored)
        record_artifacts(transaction, attempt.project, attempt.job, attempt.id, reported.artifacts)
        if make is not None:
            make(transaction)
        if job.status.is_final:  # after all that it left is in its place: what waits may read it
            settle(transaction, job)
        return True

    def _moved(self, transaction: Transaction, job: Job, ended: Attempt, end: End) -> Job:
        """The job after the end of an attempt, of a gang when all of its members have ended."""
        members = [ended]
        if job.spec.gang > 1:
            members = members_of(transaction, ended)
            if not all(member.status.is_final for member in members):
                return interrupted(job, ended, end)
            end = verdict(job, members)
        return ended_job(job, end, members[0].result, transaction.now, self._settings)

    def _release(self, transaction: Transaction, lease: Lease, ended_at: datetime) -> None:
        advanced, uses = slice_of(lease, ended_at)
        released = advanced.model_copy(update={"released_at": transaction.now})
        leases.swap(transaction, released, also=[("released_at", "=", None)])
        self._ledger.post(transaction, uses)


def _ended_at(exit_: Mapping[str, Any], lease: Lease, latest: datetime) -> datetime:
    """When the node says it ended, within what can be true; a node's clock may be off.

    Nor before what is paid: the report that renewed the lease last was some moments on its way.
    """
    said = _moment(exit_.get("ended_at")) or latest
    earliest = max(lease.created_at + timedelta(milliseconds=1), lease.metered_until)
    return max(earliest, min(said, latest))


def _started_at(exit_: Mapping[str, Any], lease: Lease, ended_at: datetime) -> datetime | None:
    """When the node says it started, within what can be true; None for what never ran."""
    if exit_.get("code") is None and exit_.get("signal") is None:
        return None
    said = _moment(exit_.get("started_at"))
    return None if said is None else min(max(said, lease.created_at), ended_at)


def _moment(said: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment
