"""Nodes and requests, shortly."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from pileus.core.schemas.jobs import Lease, Node
from pileus.core.schemas.resources import Capacity, Device, Resources
from pileus.jobs.policy.demand import Demand, Shape
from pileus.jobs.policy.free import Free

NOW = datetime(2026, 1, 1, tzinfo=UTC)

REQUESTS = st.builds(
    lambda cpu, memory, gpu, kind: Resources(
        cpu=cpu, memory_mib=memory, gpu=gpu, gpu_kind=kind if gpu else None
    ),
    st.sampled_from([0.5, 1, 2, 6]),
    st.sampled_from([100, 1000, 4000]),
    st.sampled_from([0, 0.1, 0.25, 0.5, 0.8, 1, 2]),
    st.sampled_from([None, None, "a100", "t4"]),
)


def request(**amounts: Any) -> Resources:
    return Resources(**{"cpu": 1, "memory_mib": 100} | amounts)


def node(
    name: str = "a", *, cpu: int = 8, memory: int = 8192, kinds: str = "", **more: Any
) -> Node:
    """`kinds` are those of its devices, such as `t4 t4`."""
    devices = [
        Device(id=f"{name}{number}", kind=kind, memory_mib=100)
        for number, kind in enumerate(kinds.split())
    ]
    return Node(
        id=f"nod_{name}",
        project="",
        created_at=NOW,
        name=name,
        boot_id="b",
        capacity=Capacity(cpu_milli=cpu * 1000, memory_mib=memory, devices=tuple(devices), **more),
        seen_at=NOW,
    )


def lease(on: Node, resources: Resources, *devices: str) -> Lease:
    return Lease(
        id="lse_1",
        project="prj_1",
        created_at=NOW,
        attempt="att_1",
        job="job_x",
        node=on.id,
        token="t",
        resources=resources,
        devices=devices,
        expires_at=NOW,
        metered_until=NOW,
    )


def by_node(leases: Iterable[Lease]) -> dict[str, tuple[Lease, ...]]:
    held: dict[str, tuple[Lease, ...]] = {}
    for one in leases:
        held[one.node] = (*held.get(one.node, ()), one)
    return held


def demand(*requests: Resources) -> Demand:
    return Demand.of(map(Shape.of, requests))


def free_of(nodes: Iterable[Node], leases: Iterable[Lease]) -> list[Free]:
    """What each of the nodes has beside the leases on it, in their order."""
    spaces = {node.id: Free(node) for node in nodes}
    for held in leases:
        if held.node in spaces:
            spaces[held.node].take(held.resources, held.devices)
    return list(spaces.values())
