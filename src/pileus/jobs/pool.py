"""Reads what a scheduling decision is made from, and no more of a long queue than can matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pileus.core.schemas.jobs import Job, JobStatus, Lease, Node, Pool
from pileus.jobs.plan import NO_POLICY, Policy, PoolSnapshot, Room, largest_room
from pileus.jobs.scheduler import PATIENCE
from pileus.jobs.store import (
    INSTALLATION,
    POOL,
    is_answering,
    jobs,
    leases,
    nodes,
    pools,
    quotas,
    waiting_projects,
)
from pileus.storage.transaction import Condition, Snapshot, Where

LOOKAHEAD = 1000
"""Waiting jobs of a size that may fit now, considered in one decision."""

LOOKAHEAD_HEAD = 16
"""The first ones that would fit an idle node: the first that waits has a node kept for it."""

LOOKAHEAD_PROJECT = 16
"""Those of each project with a quota at least, whether or not there is room for them."""

MOST_PROJECTS = 64
"""Projects with quotas that one decision looks at."""

LOOKAHEAD_PATIENT = 100
"""Those considered besides because they have waited long enough to have a node kept free."""


@dataclass(frozen=True)
class LoadedPool(PoolSnapshot):
    """A snapshot with the epoch it was read at."""

    epoch: int = 0
    policy: Policy = NO_POLICY


def load_pool(snapshot: Snapshot, lease_seconds: float) -> LoadedPool:
    """Everything a decision needs, in one consistent read."""
    found = pools.get(snapshot, id=POOL) or Pool(
        id=POOL, project=INSTALLATION, created_at=snapshot.now, rev=1
    )
    known = nodes.find(snapshot, order=["name"])
    answering = [node for node in known if is_answering(node, snapshot.now, lease_seconds)]
    held = leases.find(snapshot, [("released_at", "=", None)], order=["id"])
    policy = Policy(tuple(quotas.find(snapshot, order=["project"])))
    queue = () if found.is_draining else _candidates(snapshot, answering, held, policy, found)
    return LoadedPool(
        now=snapshot.now,
        nodes=answering,
        leases=held,
        queue=queue,
        silent=[node for node in known if node not in answering],
        is_draining=found.is_draining,
        stopping=_stopping(snapshot),
        promises=found.promises,
        epoch=found.rev,
        policy=policy,
    )


def _stopping(snapshot: Snapshot) -> frozenset[str]:
    running: Where = [("status", "=", JobStatus.RUNNING.value), ("stop_requested", "!=", None)]
    return frozenset(job.id for job in jobs.find(snapshot, running))


def _candidates(
    snapshot: Snapshot,
    answering: Sequence[Node],
    held: Sequence[Lease],
    policy: Policy,
    pool: Pool,
) -> list[Job]:
    """Waiting jobs that a decision may be about: a queue may be long, most of it cannot start."""
    now, idle = largest_room(answering, held), largest_room(answering, ())
    promised: Condition = ("id", "in", list(pool.promises))
    found = _fitting(snapshot, idle, [promised], len(pool.promises))
    waiting = waiting_projects(snapshot) if policy.quotas else []
    limited = {quota.project for quota in policy.quotas}
    for project in _turn(sorted(limited.intersection(waiting)), snapshot.now):
        # Quota may be had where there is no room, and what may not start must not hide what may.
        share = max(LOOKAHEAD // len(limited), LOOKAHEAD_PROJECT)
        found += _fitting(snapshot, idle, [("project", "=", project)], share)
    free: list[Condition] = []
    if policy.quotas:
        free = [("project", "in", [name for name in waiting if name not in limited])]
    found += _fitting(snapshot, now, free, LOOKAHEAD)
    found += _fitting(snapshot, idle, free, LOOKAHEAD_HEAD)
    is_patient: Condition = ("created_at", "<=", snapshot.now - PATIENCE)
    found += _fitting(snapshot, idle, [*free, is_patient], LOOKAHEAD_PATIENT)
    return list({job.id: job for job in found}.values())


def _turn(projects: Sequence[str], now: datetime) -> Sequence[str]:
    """As many of them as one decision looks at, others with each second."""
    if len(projects) <= MOST_PROJECTS:
        return projects
    start = int(now.timestamp()) * MOST_PROJECTS % len(projects)
    return (*projects, *projects)[start : start + MOST_PROJECTS]


def _fitting(
    snapshot: Snapshot, room: Room | None, where: Sequence[Condition], limit: int
) -> list[Job]:
    if room is None or not limit:
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
