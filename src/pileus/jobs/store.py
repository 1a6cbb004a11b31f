"""What the job engine needs from persistence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from pileus.core.logs.context import about
from pileus.core.schemas.jobs import Attempt, AttemptStatus, Job, Lease, Node, Pool
from pileus.core.schemas.pipelines import Pipeline
from pileus.core.schemas.quota import Quota
from pileus.core.schemas.schedules import Schedule
from pileus.core.schemas.usage import NodeUsage
from pileus.jobs.errors import JobNotFound
from pileus.jobs.tables import (
    ATTEMPTS,
    JOBS,
    LEASES,
    NODE_USAGE,
    NODES,
    PIPELINES,
    POOLS,
    QUOTAS,
    SCHEDULES,
)
from pileus.storage.rows import Rows
from pileus.storage.transaction import Change, Record, Snapshot, Transaction, Where

INSTALLATION = ""
POOL = "default"


class JobRows(Rows[Job]):
    """Jobs with what they ask for in columns, so that the scheduler reads only what may fit."""

    def _record(self, value: Job) -> Record:
        asked = value.spec.resources
        return {
            **super()._record(value),
            "cpu_milli": asked.cpu_milli,
            "memory_mib": asked.memory_mib,
            "gpu_milli": asked.gpu_milli,
        }


jobs = JobRows(JOBS, Job)
pipelines = Rows(PIPELINES, Pipeline)
schedules = Rows(SCHEDULES, Schedule)
attempts = Rows(ATTEMPTS, Attempt)
leases = Rows(LEASES, Lease)
nodes = Rows(NODES, Node)
pools = Rows(POOLS, Pool)
quotas = Rows(QUOTAS, Quota)
node_usage = Rows(NODE_USAGE, NodeUsage)

MOST_GLANCED_AT = 300
"""Changes that a mirror is brought up to date with in the event loop."""

LIVE = [status.value for status in AttemptStatus if not status.is_final]


@dataclass(frozen=True)
class Held:
    """An attempt that has not ended, with its job and its lease."""

    job: Job
    attempt: Attempt
    lease: Lease


def changes_since(snapshot: Snapshot, after: int) -> list[Change] | None:
    """All changes after one; None where the feed does not go back so far."""
    found: list[Change] = []
    while changes := snapshot.changes(after):
        if changes[0].seq != after + 1:
            return None
        found += changes
        after = changes[-1].seq
    return found


def about_job(job: Job, attempt: str | None = None) -> AbstractContextManager[None]:
    """What is logged inside is about this job, and for the request that submitted it."""
    return about(request_id=job.request_id, project=job.project, job=job.id, attempt=attempt)


def job_of(snapshot: Snapshot, project: str, job_id: str) -> Job:
    """A job of a project. Raises JobNotFound."""
    job = jobs.get(snapshot, id=job_id)
    if job is None or job.project != project:
        raise JobNotFound(job_id)
    return job


def attempts_of(snapshot: Snapshot, job_id: str) -> list[Attempt]:
    """Attempts of a job, first to last; of a gang's try by rank."""
    return attempts.find(snapshot, [("job", "=", job_id)], order=["number", "rank"])


def leased_on(snapshot: Snapshot, node: str) -> list[tuple[Attempt, Lease]]:
    """The attempts that a node should be running."""
    return _leased(snapshot, [("node", "=", node)])


def leased_of(snapshot: Snapshot, wanted: Collection[str]) -> list[tuple[Attempt, Lease]]:
    """Those of these attempts that have not ended."""
    return _leased(snapshot, [("id", "in", list(wanted))]) if wanted else []


def held_on(snapshot: Snapshot, node: str) -> list[Held]:
    """The attempts that a node should be running, with their jobs."""
    return _with_jobs(snapshot, leased_on(snapshot, node))


def attempts_held(snapshot: Snapshot, wanted: Collection[str] | None = None) -> list[Held]:
    """Those of these attempts that have not ended, or all that have not."""
    if wanted is None:  # by what is indexed
        wanted = [lease.attempt for lease in leases.find(snapshot, [("released_at", "=", None)])]
    return _with_jobs(snapshot, leased_of(snapshot, wanted))


def _leased(snapshot: Snapshot, where: Where) -> list[tuple[Attempt, Lease]]:
    live = attempts.find(snapshot, [*where, ("status", "in", LIVE)], order=["id"])
    wanted = [attempt.id for attempt in live]
    lease_of = {le.attempt: le for le in leases.find(snapshot, [("attempt", "in", wanted)])}
    return [(attempt, lease_of[attempt.id]) for attempt in live]


def _with_jobs(snapshot: Snapshot, leased: Sequence[tuple[Attempt, Lease]]) -> list[Held]:
    wanted = [attempt.job for attempt, _ in leased]
    job_of_id = {job.id: job for job in jobs.find(snapshot, [("id", "in", wanted)])}
    return [Held(job_of_id[attempt.job], attempt, lease) for attempt, lease in leased]


def held_by(snapshot: Snapshot, attempt: Attempt) -> Held:
    """The job and the lease of an attempt; they exist as long as it does."""
    job = jobs.get(snapshot, id=attempt.job)
    lease = leases.get(snapshot, attempt=attempt.id)
    if job is None or lease is None:
        raise KeyError(f"attempt {attempt.id!r} has lost its job or its lease")
    return Held(job, attempt, lease)


def is_answering(node: Node, now: datetime, lease_seconds: float) -> bool:
    """Whether a node was heard so lately that what is granted to it will start."""
    return now - node.seen_at <= timedelta(seconds=lease_seconds)


def pool(transaction: Transaction) -> Pool:
    """The pool, made on first use."""
    found = pools.get(transaction, id=POOL)
    if found is not None:
        return found
    return pools.insert(
        transaction, Pool(id=POOL, project=INSTALLATION, created_at=transaction.now)
    )


def bump_epoch(transaction: Transaction) -> None:
    """Void plans made from what the pool was until now, and wake the scheduler."""
    pools.swap(transaction, pool(transaction))
