"""What happens when an attempt ends, all of it in one transaction.

Attempt and job move on, the lease is released and its last slice is on the ledger, artifacts and
streams are recorded, and a model version is registered where the job asked for one. Reading and
writing blobs happens before; a kill in between leaves an attempt that is reported again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pileus.core.clock import Clock
from pileus.core.ids import NewId
from pileus.core.schemas.jobs import Artifact, JobStatus, Lease
from pileus.jobs.lifecycle import End, ended_attempt, ended_job, judge
from pileus.jobs.settings import JobsSettings
from pileus.jobs.store import Held, attempts, held_by, jobs, leases
from pileus.metering.leases import slice_of
from pileus.metering.ledger import Ledger
from pileus.registry.errors import RegistrationRefused
from pileus.registry.models import ModelDraft, Origin, add_version, draft_of
from pileus.storage.blob import BlobStore
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot, Transaction
from pileus.tracking.artifacts import record_artifacts
from pileus.tracking.streams import Sealed, StreamStore, record_sealed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reported:
    """How a node says that an attempt ended."""

    exit: Mapping[str, Any]
    result: Mapping[str, Any] | None
    artifacts: Sequence[Artifact]


class Ends:
    """Records ends of attempts."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        new_id: NewId,
        blobs: BlobStore,
        streams: StreamStore,
        ledger: Ledger,
        settings: JobsSettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._blobs = blobs
        self._streams = streams
        self._ledger = ledger
        self._settings = settings

    async def record(self, attempt_id: str, reported: Reported) -> None:
        """Record an end; repeating it changes nothing."""

        def load(snapshot: Snapshot) -> Held | None:
            attempt = attempts.get(snapshot, id=attempt_id)
            return held_by(snapshot, attempt) if attempt else None

        held = await self._database.read(load)
        if held is None or held.attempt.status.is_final:
            return
        project = held.attempt.project
        sealed = await self._streams.seal(project, attempt_id)
        draft, refused = await self._draft(held, reported)
        await self._database.write(
            lambda transaction: self._apply(
                transaction, attempt_id, reported, sealed, draft, refused
            )
        )
        await self._streams.drop(attempt_id)

    async def lost(self, attempt_id: str, reason: str) -> None:
        """Record that an attempt is gone without a word; `reason` is a key of `CURABLE`."""
        moment = self._clock.now().isoformat()
        await self.record(
            attempt_id,
            Reported({"schema": 1, "code": None, "reason": reason, "ended_at": moment}, None, ()),
        )

    async def _draft(
        self, held: Held, reported: Reported
    ) -> tuple[ModelDraft | None, RegistrationRefused | None]:
        end = judge(held.job, held.attempt, reported.exit, reported.result)
        if end.job is not JobStatus.SUCCEEDED or held.job.spec.register_as is None:
            return None, None
        try:
            return await draft_of(self._blobs, held.job.project, reported.artifacts), None
        except RegistrationRefused as error:
            return None, error

    def _apply(
        self,
        transaction: Transaction,
        attempt_id: str,
        reported: Reported,
        sealed: list[Sealed],
        draft: ModelDraft | None,
        refused: RegistrationRefused | None,
    ) -> None:
        attempt = attempts.get(transaction, id=attempt_id)
        if attempt is None or attempt.status.is_final:
            return
        held = held_by(transaction, attempt)
        end = judge(held.job, attempt, reported.exit, reported.result)
        ended_at = _ended_at(reported.exit, held.lease, transaction.now)
        attempts.swap(
            transaction, ended_attempt(attempt, end, reported.exit, reported.result, ended_at)
        )
        job = ended_job(held.job, end, reported.result, transaction.now, self._settings)
        if refused is not None:
            job = job.model_copy(
                update={"reason": f"Not registered: {refused.message}", "hint": refused.hint}
            )
        jobs.swap(transaction, job)
        self._release(transaction, held.lease, ended_at)
        record_sealed(transaction, attempt.project, attempt.id, sealed)
        record_artifacts(transaction, attempt.project, attempt.job, attempt.id, reported.artifacts)
        if draft is not None and held.job.spec.register_as is not None and _registers(end):
            add_version(
                transaction,
                self._new_id,
                held.job.spec.register_as,
                draft,
                Origin(
                    project=job.project,
                    job=job.id,
                    attempt=attempt.id,
                    dataset_version=job.dataset_version,
                    code_digest=job.code_digest,
                    created_by=job.submitted_by,
                ),
            )

    def _release(self, transaction: Transaction, lease: Lease, ended_at: datetime) -> None:
        advanced, uses = slice_of(lease, ended_at)
        released = advanced.model_copy(update={"released_at": transaction.now})
        leases.swap(transaction, released, also=[("released_at", "=", None)])
        self._ledger.post(transaction, uses)


def _registers(end: End) -> bool:
    return end.job is JobStatus.SUCCEEDED


def _ended_at(exit_: Mapping[str, Any], lease: Lease, now: datetime) -> datetime:
    """When the node says it ended, within what can be true; a node's clock may be off."""
    try:
        said = datetime.fromisoformat(str(exit_.get("ended_at")))
    except ValueError:
        return now
    if said.tzinfo is None:
        return now
    return max(lease.created_at + timedelta(milliseconds=1), min(said, now))
