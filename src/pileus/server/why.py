"""`why ID`: what something waits for, or how it came to its end, in words a person can act on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pileus.core.errors import InvalidRequest
from pileus.core.schemas.deletion import Tombstone
from pileus.core.schemas.jobs import Attempt, Job, JobStatus, StopReason
from pileus.jobs.service import JobService
from pileus.jobs.store import attempts
from pileus.security.store import tombstone_of
from pileus.serving.lineage import LineageService
from pileus.serving.records import RecordService
from pileus.storage.database import Database

Answer = dict[str, Any]


class NothingToSay(InvalidRequest, code="nothing_to_say"):
    """An id of a kind that never waits or fails."""


class WhyService:
    """Explains states."""

    def __init__(
        self,
        database: Database,
        jobs: JobService,
        records: RecordService,
        lineage: LineageService,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._records = records
        self._lineage = lineage

    async def of(self, project: str, identifier: str) -> Answer:
        """State, reason and next step of a job, attempt, prediction or what has a lineage."""
        prefix = identifier.partition("_")[0]
        if prefix == "job":
            gone = await self._database.read(lambda s: tombstone_of(s, identifier, project))
            if gone is not None:
                return _deleted(gone)
            return await self._job(await self._jobs.job(project, identifier))
        if prefix == "att":
            found = await self._database.read(lambda s: attempts.get(s, id=identifier))
            if found is not None and found.project == project:
                return await self._job(await self._jobs.job(project, found.job))
        if prefix == "prd":
            record = await self._records.record(project, identifier)
            is_ok = record.get("outcome") == "ok"
            return {
                "id": identifier,
                "state": "answered" if is_ok else "refused",
                "reason": "It was answered"
                if is_ok
                else f"The request ended with {record.get('outcome')}",
                "hint": f"Where it came from: `pileus lineage {identifier}`.",
            }
        if prefix in {"rvn", "end", "mdv", "dsv"}:
            lineage = await self._lineage.of(project, identifier)
            made = lineage["steps"][0]
            gone = await self._database.read(lambda s: tombstone_of(s, identifier, project))
            if gone is not None and made.get("deleted_at"):
                return _deleted(gone)
            return {
                "id": identifier,
                "state": "exists",
                "reason": f"Made by {made.get('created_by')} at {made.get('created_at')}",
                "hint": f"Where it came from: `pileus lineage {identifier}`.",
            }
        raise NothingToSay(
            f"{identifier!r} is not the id of something that waits or ends",
            hint="Give the id of a job, attempt, prediction, endpoint or version.",
        )

    async def _job(self, job: Job) -> Answer:
        tries = await self._jobs.attempts(job.project, job.id)
        answer: Answer = {
            "id": job.id,
            "state": job.status,
            "reason": job.reason,
            "hint": job.hint,
            "attempts": [
                t.model_dump(include={"id", "number", "rank", "status", "reason"}) for t in tries
            ],
        }
        if job.status in {JobStatus.WAITING, JobStatus.QUEUED}:
            waiting = await self._jobs.waiting(job)
            answer["reason"] = waiting.reason if waiting else "It is about to start"
            answer["hint"] = waiting.hint if waiting else None
            if waiting:
                answer |= {"eta": waiting.eta, "after": waiting.after}
        elif job.status is JobStatus.RUNNING:
            answer["reason"] = (
                job.reason
                if job.stop_requested is StopReason.PEER
                else f"It is being stopped ({job.stop_requested})"
                if job.stop_requested
                else _said(job, tries)
                if tries
                else "It has just been granted a lease"
            )
            answer["hint"] = f"Follow it with `pileus job logs -f {job.id}`."
        elif answer["reason"] is None:
            answer["reason"] = f"It {job.status}"
        return answer


def _said(job: Job, tries: Sequence[Attempt]) -> str:
    number, said = tries[-1].number, f"is {tries[-1].status}"
    if job.spec.gang > 1:
        counts = Counter(one.status.value for one in tries if one.number == number)
        said = "has " + ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"Attempt {number} {said}"


def _deleted(tombstone: Tombstone) -> Answer:
    is_over = tombstone.collected_at is not None
    return {
        "id": tombstone.subject,
        "state": "deleted",
        "reason": f"{tombstone.deleted_by_name} deleted {tombstone.name!r}"
        f" at {tombstone.created_at:%Y-%m-%d %H:%M} UTC",
        "hint": "Its bytes are gone; make it anew."
        if is_over
        else f"Bring it back with `pileus undelete {tombstone.parent or tombstone.id}`.",
    }
