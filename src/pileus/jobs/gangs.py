"""Gangs: several attempts of one job that start together, or none does, and end as one.

Each member has a lease and a node of its own. When one ends without success the others are asked to
stop, and the job moves on when the last has ended: so no try begins while a member of an earlier one
may still run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from pileus.core.schemas.gangs import Seat
from pileus.core.schemas.jobs import Attempt, AttemptStatus, Job, JobStatus, Node, StopReason
from pileus.jobs.lifecycle import End, judge
from pileus.jobs.store import attempts, nodes
from pileus.storage.transaction import Snapshot

_PORTS = range(20_000, 30_000)
"""Below those that systems give to connections."""

_HERE = "127.0.0.1"


def members_of(snapshot: Snapshot, attempt: Attempt) -> list[Attempt]:
    """All attempts of the same try, by rank."""
    return attempts.find(
        snapshot, [("job", "=", attempt.job), ("number", "=", attempt.number)], order=["rank"]
    )


def verdict(job: Job, members: Sequence[Attempt]) -> End:
    """What the end of the last member means for the job.

    Where one fails the rest mostly fail of that: a node that was lost, or any other reason that
    another try may cure, counts before what the members say themselves, and of that the first.
    """
    if len(members) == 1:
        return _end(job, members[0])
    ends = [(member, _end(job, member)) for member in members]
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


def seat_of(snapshot: Snapshot, job: Job, attempt: Attempt) -> Seat | None:
    """Where a member of a gang meets the others; None for an attempt that is alone."""
    if job.spec.gang == 1:
        return None
    members = members_of(snapshot, attempt)
    node = nodes.get(snapshot, id=members[0].node)
    is_one_node = len({member.node for member in members}) == 1
    return Seat(
        rank=attempt.rank,
        size=job.spec.gang,
        address=_HERE if is_one_node or node is None else _address(node),
        port=_port(members[0]),
    )


def _end(job: Job, member: Attempt) -> End:
    return judge(job, member, member.exit or {}, member.result)


def _blame(one: tuple[Attempt, End]) -> tuple[bool, bool, object, int]:
    """The least is what the others follow from."""
    member, end = one
    was_stopped = end.attempt is AttemptStatus.STOPPED and end.job is JobStatus.FAILED
    return (was_stopped, not end.is_failure, member.ended_at or member.created_at, member.rank)


def _address(node: Node) -> str:
    return node.address or node.name


def _port(first: Attempt) -> int:
    """Another one for each try. The node says when somebody has it already."""
    digest = hashlib.sha256(f"{first.job}/{first.number}".encode()).digest()
    return _PORTS[int.from_bytes(digest[:8], "big") % len(_PORTS)]
