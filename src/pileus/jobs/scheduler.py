"""Decides, purely: which waiting job goes to which node, and why each other one waits.

`decide` is a function of values; loading and applying are the engine's. Jobs go by priority,
then by submission; one that does not fit does not hold back smaller ones behind it unless it
could run on an idle pool and has waited longer than `patience`: then its node is kept free.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pileus.core.schemas.jobs import Job, Lease, Node
from pileus.core.schemas.resources import MILLI, Resources
from pileus.jobs.policy.demand import Demand, Shape
from pileus.jobs.policy.free import Free, free_of
from pileus.jobs.policy.placement import Placement

PATIENCE = timedelta(seconds=60)
"""A job that fits an idle node waits at most this long behind smaller ones that came later."""


@dataclass(frozen=True)
class PoolSnapshot:
    """What a decision is made from."""

    now: datetime
    nodes: Sequence[Node]
    """Those that answer."""

    leases: Sequence[Lease]
    """Unreleased ones."""

    queue: Sequence[Job]
    silent: Sequence[Node] = ()
    """Nodes that were not heard for a while; nothing is granted to them."""

    is_draining: bool = False


@dataclass(frozen=True)
class Grant:
    """Leave for a job to run on this node, on these devices."""

    job: Job
    node: Node
    devices: tuple[str, ...]


@dataclass(frozen=True)
class Waiting:
    """Why a job waits, and what would change that."""

    reason: str
    hint: str | None = None


@dataclass(frozen=True)
class Plan:
    """The outcome of a decision."""

    grants: tuple[Grant, ...]
    waiting: dict[str, Waiting]

    @property
    def nodes(self) -> dict[str, str]:
        """Id of each job that starts → name of its node."""
        return {grant.job.id: grant.node.name for grant in self.grants}


@dataclass(frozen=True)
class Room:
    """The most of each resource that any one node has: what asks for more of one fits nowhere."""

    cpu_milli: int
    memory_mib: int
    gpu_milli: int


def largest_room(nodes: Sequence[Node], leases: Sequence[Lease]) -> Room | None:
    """The most that nodes have beside `leases`, resource by resource; None without nodes."""
    free = free_of(nodes, leases)
    if not free:
        return None
    return Room(
        max(space.cpu_milli for space in free),
        max(space.memory_mib for space in free),
        max(sum(space.left) for space in free),
    )


def decide(pool: PoolSnapshot) -> Plan:
    """Grants for the jobs that can start now; a reason for each that cannot."""
    placement = Placement(free_of(pool.nodes, pool.leases), _demand(pool))
    open_only = {n for n, s in enumerate(placement.free) if not s.node.capacity.sandbox}
    reserved: set[int] = set()
    grants: list[Grant] = []
    waiting: dict[str, Waiting] = {}
    for job in in_order(pool.queue):
        held_back = _held_back(job, pool)
        if held_back is not None:
            waiting[job.id] = held_back
            continue
        barred = reserved | open_only if job.spec.sandbox else reserved
        spot = placement.best(job.spec.resources, without=barred)
        if spot is not None:
            placement.take(spot, job.spec.resources)
            grants.append(Grant(job, placement.free[spot.number].node, spot.devices))
            continue
        waiting[job.id] = explain(job.spec.resources, pool.nodes, pool.silent)
        _reserve(job, pool, placement, reserved)
    return Plan(tuple(grants), waiting)


def in_order(queue: Iterable[Job]) -> list[Job]:
    """Jobs as they are considered: by priority, then by submission."""
    return sorted(queue, key=lambda job: (-job.priority, job.created_at, job.id))


def explain(resources: Resources, nodes: Sequence[Node], silent: Sequence[Node] = ()) -> Waiting:
    """Why nothing can take `resources` now: never possible here, or not yet."""
    if not nodes and silent:
        names = ", ".join(repr(node.name) for node in silent)
        return Waiting(
            f"No node answers; {names} did before", "Look after its worker; `pileus up` starts one."
        )
    if not nodes:
        return Waiting(
            "No node is registered", "Start a worker: `pileus up`, or `pileus worker` elsewhere."
        )
    if any(_fits_idle(Shape.of(resources), node) for node in nodes):
        return Waiting(
            f"Waits for {describe(resources)} to be free",
            "It starts when running jobs end; `pileus job list` shows them.",
        )
    largest = max(nodes, key=lambda node: (node.capacity.cpu_milli, node.capacity.memory_mib))
    return Waiting(
        f"No node has {describe(resources)}; the largest, {largest.name!r}, has"
        f" {describe_capacity(largest)}",
        "Ask for less, or add a node that has it.",
    )


def describe(resources: Resources) -> str:
    """`cpu=2 memory=1024MiB gpu=1(any) fpga=1`."""
    words = [f"cpu={resources.cpu:g}", f"memory={resources.memory_mib}MiB"]
    if resources.gpu:
        words.append(f"gpu={resources.gpu:g}({resources.gpu_kind or 'any'})")
    words.extend(f"{name}={amount}" for name, amount in sorted(resources.custom.items()))
    return " ".join(words)


def describe_capacity(node: Node) -> str:
    """What a node has, in the words of `describe`."""
    capacity = node.capacity
    words = [f"cpu={capacity.cpu_milli / MILLI:g}", f"memory={capacity.memory_mib}MiB"]
    kinds = sorted({device.kind for device in capacity.devices})
    words.extend(
        f"gpu={sum(device.kind == kind for device in capacity.devices)}({kind})" for kind in kinds
    )
    words.extend(f"{name}={amount}" for name, amount in sorted(capacity.custom.items()))
    return " ".join(words)


def _demand(pool: PoolSnapshot) -> Demand:
    """What waits and what runs is what is expected to come again."""
    asked = [job.spec.resources for job in pool.queue] + [one.resources for one in pool.leases]
    return Demand.of(map(Shape.of, asked))


def _held_back(job: Job, pool: PoolSnapshot) -> Waiting | None:
    if pool.is_draining:
        return Waiting("The installation is going down", "It starts after the next `pileus up`.")
    if job.spec.sandbox and pool.nodes and not any(n.capacity.sandbox for n in pool.nodes):
        return Waiting(
            "It asks for a sandbox, and no node that answers can make one",
            "Install bubblewrap on a node and restart its worker; `pileus doctor` says what is"
            " missing.",
        )
    if job.not_before is not None and job.not_before > pool.now:
        seconds = math.ceil((job.not_before - pool.now).total_seconds())
        return Waiting(f"Waits {seconds} s before the next attempt: {job.reason}")
    return None


def _fits_idle(shape: Shape, node: Node) -> bool:
    return Free(node).fits(shape)


def _reserve(job: Job, pool: PoolSnapshot, placement: Placement, reserved: set[int]) -> None:
    """Keep one node free for a job that has waited long, so that small ones do not starve it."""
    if pool.now - job.created_at < PATIENCE:
        return
    shape = Shape.of(job.spec.resources)
    able = [
        (space.cpu_milli, space.memory_mib, space.node.name, number)
        for number, space in enumerate(placement.free)
        if number not in reserved and _fits_idle(shape, space.node)
    ]
    if able:
        reserved.add(max(able)[-1])
