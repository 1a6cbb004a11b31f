"""Reads what a scheduling decision is made from, and no more of a long queue than can matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pileus.core.schemas.jobs import Job, JobStatus, Lease, Node, Pool
from pileus.jobs.scheduler import PATIENCE, PoolSnapshot, Room, largest_room
from pileus.jobs.store import INSTALLATION, POOL, is_answering, jobs, leases, nodes, pools
from pileus.storage.transaction import Condition, Snapshot

LOOKAHEAD = 1000
"""Waiting jobs of a size that may fit now, considered in one decision."""

LOOKAHEAD_PATIENT = 100
"""Those considered besides because they have waited long enough to have a node kept free."""


@dataclass(frozen=True)
class LoadedPool(PoolSnapshot):
    """A snapshot with the epoch it was read at."""

    epoch: int = 0


def load_pool(snapshot: Snapshot, lease_seconds: float) -> LoadedPool:
    """Everything a decision needs, in one consistent read."""
    found = pools.get(snapshot, id=POOL) or Pool(
        id=POOL, project=INSTALLATION, created_at=snapshot.now, rev=1
    )
    known = nodes.find(snapshot, order=["name"])
    answering = [node for node in known if is_answering(node, snapshot.now, lease_seconds)]
    held = leases.find(snapshot, [("released_at", "=", None)], order=["id"])
    return LoadedPool(
        now=snapshot.now,
        nodes=answering,
        leases=held,
        queue=() if found.is_draining else _candidates(snapshot, answering, held),
        silent=[node for node in known if node not in answering],
        is_draining=found.is_draining,
        epoch=found.rev,
    )


def _candidates(snapshot: Snapshot, answering: Sequence[Node], held: Sequence[Lease]) -> list[Job]:
    """Waiting jobs that a decision may be about: a queue may be long, most of it cannot start."""
    fitting = _fitting(snapshot, largest_room(answering, held), (), LOOKAHEAD)
    patient = _fitting(
        snapshot,
        largest_room(answering, ()),
        [("created_at", "<=", snapshot.now - PATIENCE)],
        LOOKAHEAD_PATIENT,
    )
    return list({job.id: job for job in (*fitting, *patient)}.values())


def _fitting(
    snapshot: Snapshot, room: Room | None, where: Sequence[Condition], limit: int
) -> list[Job]:
    if room is None:
        return []
    return jobs.find(
        snapshot,
        [
            ("status", "=", JobStatus.QUEUED.value),
            ("cpu_milli", "<=", room.cpu_milli),
            ("memory_mib", "<=", room.memory_mib),
            ("gpu_milli", "<=", room.gpu_milli),
            *where,
        ],
        order=["-priority", "created_at", "id"],
        limit=limit,
    )
