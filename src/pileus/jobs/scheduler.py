"""Decides, purely: which waiting job goes to which node, and why each other one waits.

`decide` is a function of values; loading and applying are the engine's. Jobs go by priority,
then by submission; one that does not fit does not hold back smaller ones behind it unless it
could run on an idle pool and has waited longer than `patience`: then its node is kept free.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pileus.core.schemas.jobs import Job, Lease, Node
from pileus.core.schemas.resources import MILLI, Resources

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


@dataclass
class Free:
    """What a node has left. `devices` is thousandths of each."""

    node: Node
    cpu_milli: int
    memory_mib: int
    devices: dict[str, int]
    custom: dict[str, int]
    is_reserved: bool = field(default=False)


@dataclass(frozen=True)
class Room:
    """The most of each resource that any one node has: what asks for more of one fits nowhere."""

    cpu_milli: int
    memory_mib: int
    gpu_milli: int


def largest_room(nodes: Sequence[Node], leases: Sequence[Lease]) -> Room | None:
    """The most that nodes have beside `leases`, resource by resource; None without nodes."""
    free = [_free(node, leases) for node in nodes]
    if not free:
        return None
    return Room(
        max(space.cpu_milli for space in free),
        max(space.memory_mib for space in free),
        max(sum(space.devices.values()) for space in free),
    )


def decide(pool: PoolSnapshot) -> Plan:
    """Grants for the jobs that can start now; a reason for each that cannot."""
    free = [_free(node, pool.leases) for node in sorted(pool.nodes, key=lambda n: n.name)]
    grants: list[Grant] = []
    waiting: dict[str, Waiting] = {}
    for job in sorted(pool.queue, key=lambda j: (-j.priority, j.created_at, j.id)):
        held_back = _held_back(job, pool)
        if held_back is not None:
            waiting[job.id] = held_back
            continue
        placed = _place(job.spec.resources, free)
        if placed is not None:
            space, devices = placed
            _take(space, job.spec.resources, devices)
            grants.append(Grant(job, space.node, devices))
            continue
        waiting[job.id] = explain(job.spec.resources, pool.nodes, pool.silent)
        _reserve(job, pool, free)
    return Plan(tuple(grants), waiting)


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
    if any(_fits_idle(resources, node) for node in nodes):
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


def _held_back(job: Job, pool: PoolSnapshot) -> Waiting | None:
    if pool.is_draining:
        return Waiting("The installation is going down", "It starts after the next `pileus up`.")
    if job.not_before is not None and job.not_before > pool.now:
        seconds = math.ceil((job.not_before - pool.now).total_seconds())
        return Waiting(f"Waits {seconds} s before the next attempt: {job.reason}")
    return None


def _free(node: Node, leases: Sequence[Lease]) -> Free:
    capacity = node.capacity
    free = Free(
        node,
        capacity.cpu_milli,
        capacity.memory_mib,
        {device.id: MILLI for device in capacity.devices},
        dict(capacity.custom),
    )
    for lease in leases:
        if lease.node == node.id:
            _take(free, lease.resources, lease.devices)
    return free


def _take(free: Free, resources: Resources, devices: tuple[str, ...]) -> None:
    free.cpu_milli -= resources.cpu_milli
    free.memory_mib -= resources.memory_mib
    share = min(resources.gpu_milli, MILLI)
    for device in devices:
        # A device that is gone from the inventory is still held by its lease.
        free.devices[device] = free.devices.get(device, MILLI) - share
    for name, amount in resources.custom.items():
        free.custom[name] = free.custom.get(name, 0) - amount


def _place(resources: Resources, candidates: Sequence[Free]) -> tuple[Free, tuple[str, ...]] | None:
    """Best fit: the node with the least left over, so that large jobs find room; ties by name."""
    fitting = [
        (space, devices)
        for space in candidates
        if not space.is_reserved and (devices := _fit(resources, space)) is not None
    ]
    if not fitting:
        return None
    return min(
        fitting,
        key=lambda fit: (
            sum(fit[0].devices.values()),
            fit[0].cpu_milli,
            fit[0].memory_mib,
            fit[0].node.name,
        ),
    )


def _fit(resources: Resources, free: Free) -> tuple[str, ...] | None:
    if resources.cpu_milli > free.cpu_milli or resources.memory_mib > free.memory_mib:
        return None
    if any(amount > free.custom.get(name, 0) for name, amount in resources.custom.items()):
        return None
    return _devices(resources, free)


def _devices(resources: Resources, free: Free) -> tuple[str, ...] | None:
    if not resources.gpu_milli:
        return ()
    usable = [
        device.id
        for device in free.node.capacity.devices
        if resources.gpu_kind is None or is_of_kind(device.kind, resources.gpu_kind)
    ]
    if resources.gpu_milli < MILLI:
        # A fraction goes to the fullest device that still has room, so that whole ones stay whole.
        room = [d for d in usable if free.devices[d] >= resources.gpu_milli]
        return (min(room, key=lambda d: (free.devices[d], d)),) if room else None
    whole = sorted(d for d in usable if free.devices[d] == MILLI)
    count = resources.gpu_milli // MILLI
    return tuple(whole[:count]) if len(whole) >= count else None


def is_of_kind(kind: str, wanted: str) -> bool:
    """Whether a device's kind has the words of `wanted` in it: `h200` is an `nvidia-h200`."""
    return f"-{wanted.lower()}-" in f"-{kind}-"


def _fits_idle(resources: Resources, node: Node) -> bool:
    return _fit(resources, _free(node, ())) is not None


def _reserve(job: Job, pool: PoolSnapshot, free: Sequence[Free]) -> None:
    """Keep one node free for a job that has waited long, so that small ones do not starve it."""
    if pool.now - job.created_at < PATIENCE:
        return
    able = [
        space
        for space in free
        if not space.is_reserved and _fits_idle(job.spec.resources, space.node)
    ]
    if able:
        chosen = max(able, key=lambda s: (s.cpu_milli, s.memory_mib, s.node.name))
        chosen.is_reserved = True
