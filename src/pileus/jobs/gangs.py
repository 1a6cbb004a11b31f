"""Gangs: several attempts of one job that start together, or none does, and end as one.

Each member has a lease and a node of its own. When one ends without success the others are asked to
stop, and the job moves on when the last has ended: so no try begins while a member of an earlier one
may still run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pileus.core.schemas.jobs import Attempt, AttemptStatus, Job, JobStatus, StopReason
from pileus.jobs.lifecycle import End, judge
from pileus.jobs.store import attempts
from pileus.storage.transaction import Snapshot


def members_of(snapshot: Snapshot, attempt: Attempt) -> list[Attempt]:
    """All attempts of the same try, by rank."""
    return attempts.find(
        snapshot, [("job", "=", attempt.job), ("number", "=", attempt.number)], order=["rank"]
    )


def verdict(job: Job, members: Sequence[Attempt]) -> End:
    """What the end of the last member means for the job.

    Where one fails the rest mostly fail of that: a node that was lost or shut down, or any other reason
    that another try may cure, counts before what the members say themselves, and of that the first.
    """
    ends = [(one, judge(job, one, one.exit or {}, one.result)) for one in members]
    unhappy = [one for one in ends if one[1].job is not JobStatus.SUCCEEDED]
    if not unhappy:
        return ends[0][1]
    member, end = min(unhappy, key=_blame)
    if end.attempt is AttemptStatus.STOPPED:
        return end
    return replace(end, reason=f"Rank {member.rank}: {end.reason}")


def interrupted(job: Job, member: Attempt, end: End) -> Job:
    """The job while members still run, of which one has ended so."""
    if end.job is JobStatus.SUCCEEDED or job.stop_requested is not None:
        return job
    reason = f"Rank {member.rank}: {end.reason}. The other members are stopped"
    return job.model_copy(update={"stop_requested": StopReason.PEER, "reason": reason})


def _blame(one: tuple[Attempt, End]) -> tuple[bool, bool, bool, object, int]:
    """The least is what the others follow from."""
    member, end = one
    was_stopped = end.attempt is AttemptStatus.STOPPED and end.job is JobStatus.FAILED
    is_final = end.job is not JobStatus.QUEUED
    ended_at = member.ended_at or member.created_at
    return (was_stopped, not end.is_failure, is_final, ended_at, member.rank)
