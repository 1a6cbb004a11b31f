"""Jobs that wait for jobs: who may be queued, who has to wait, and what the end of a need sets off.

A row of `job_need` is a job that waits and a job that has not ended. The transaction that ends a
job settles its rows, so no moment exists at which a need has ended and what waits does not know.
"""

from __future__ import annotations

from pileus.core.errors import PileusError
from pileus.core.schemas.jobs import Cause, Job, JobStatus, StopReason
from pileus.jobs.errors import NeedEnded, OutputMissing
from pileus.jobs.inputs import with_outputs
from pileus.jobs.lifecycle import cancelled
from pileus.jobs.reuse import key_of, reusing
from pileus.jobs.store import job_of, jobs
from pileus.jobs.tables import JOB_NEEDS
from pileus.storage.transaction import Snapshot, Transaction


def admit(transaction: Transaction, job: Job) -> Job:
    """Insert a new job: waiting for its needs, queued, or succeeded by reuse.

    Raises JobNotFound, NeedEnded, OutputMissing, JobRefused.
    """
    needs = [job_of(transaction, job.project, need) for need in job.spec.all_needs]
    for need in needs:
        if not _lets_run(need, job):
            raise NeedEnded(need.id, need.status)
    unmet = [need for need in needs if not need.status.is_final]
    if not unmet:
        return jobs.insert(transaction, _ready(transaction, job))
    for need in unmet:
        row = {"project": job.project, "job": job.id, "need": need.id}
        transaction.insert(JOB_NEEDS, row)
    return jobs.insert(transaction, job.model_copy(update={"status": JobStatus.WAITING}))


def stop(transaction: Transaction, job: Job) -> Job:
    """Ask a job that has not ended to stop: one that runs does later, any other is cancelled now."""
    if job.status is JobStatus.RUNNING:
        return jobs.swap(transaction, job.model_copy(update={"stop_requested": StopReason.CANCEL}))
    changed = jobs.swap(transaction, cancelled(job, transaction.now))
    settle(transaction, changed)
    return changed


def settle(transaction: Transaction, job: Job) -> None:
    """Move on whatever waits for `job`, which has just ended, and what waits for that in turn."""
    ended = [job]
    while ended:
        need = ended.pop()
        if need.started_at is None:  # cancelled while it waited itself
            transaction.delete(JOB_NEEDS, [("job", "=", need.id)])
        edges = transaction.find(JOB_NEEDS, [("need", "=", need.id)], order=["job"])
        if not edges:
            continue
        transaction.delete(JOB_NEEDS, [("need", "=", need.id)])
        for edge in edges:
            dependant = jobs.get(transaction, id=edge["job"])
            if dependant is None or dependant.status is not JobStatus.WAITING:
                continue
            moved = _moved(transaction, dependant, need)
            if moved is not None:
                ended += [moved] if jobs.swap(transaction, moved).status.is_final else []


def unmet(snapshot: Snapshot, job: Job) -> list[Job]:
    """The needs of a waiting job that have not ended."""
    edges = snapshot.find(JOB_NEEDS, [("job", "=", job.id)], order=["need"])
    return jobs.find(snapshot, [("id", "in", [edge["need"] for edge in edges])], order=["id"])


def _moved(snapshot: Snapshot, job: Job, need: Job) -> Job | None:
    """A waiting job after the end of one of its needs; None while it waits for others."""
    if not _lets_run(need, job):
        return _cancelled_by(snapshot, job, need)
    if snapshot.find(JOB_NEEDS, [("job", "=", job.id)], limit=1):
        return None
    try:
        return _ready(snapshot, job.model_copy(update={"status": JobStatus.QUEUED}))
    except PileusError as error:
        lacks = error.need if isinstance(error, OutputMissing) else None
        cause = Cause(kind="output_missing", need=lacks)
        return _cancelled(snapshot, job, cause, error.message, error.hint)


def _ready(snapshot: Snapshot, job: Job) -> Job:
    """A job whose needs have ended, with all inputs: queued, or succeeded by reuse."""
    job = with_outputs(snapshot, job)
    job = job.model_copy(update={"reuse_key": key_of(snapshot, job)})
    return reusing(snapshot, job) if job.spec.reuse else job


def _lets_run(need: Job, job: Job) -> bool:
    return (
        not need.status.is_final or need.status is JobStatus.SUCCEEDED or job.spec.needs_on == "any"
    )


def _cancelled_by(snapshot: Snapshot, job: Job, need: Job) -> Job:
    has_failed = need.status is JobStatus.FAILED
    return _cancelled(
        snapshot,
        job,
        Cause(kind="need_failed" if has_failed else "need_cancelled", need=need.id),
        f"It needs {called(need)}, which {'failed' if has_failed else 'was cancelled'}",
        f"`pileus why {need.id}` says why that one did.",
    )


def _cancelled(snapshot: Snapshot, job: Job, cause: Cause, reason: str, hint: str | None) -> Job:
    return job.model_copy(
        update={
            "status": JobStatus.CANCELLED,
            "ended_at": snapshot.now,
            "cause": cause,
            "reason": reason,
            "hint": hint,
        }
    )


def called(job: Job) -> str:
    """A job for a person: its name, where it has one, and its id."""
    return f"{job.name!r} ({job.id})" if job.name else job.id
