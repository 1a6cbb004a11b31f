"""Nodes, and the link that workers hold."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from typing import Annotated

from fastapi import Query, Request

from pileus.core.errors import NotFound
from pileus.core.schemas.base import Schema
from pileus.core.schemas.deletion import Tombstone
from pileus.core.schemas.jobs import NodeOrders, NodeReport, Registration
from pileus.core.schemas.resources import Capacity
from pileus.jobs.nodes import Heard
from pileus.jobs.store import attempts
from pileus.server.api import routing
from pileus.server.api.access import Operator, Use, Viewer, WorkerLink
from pileus.server.api.gathering import gathered
from pileus.server.api.jobs import MAX_OFFSET
from pileus.server.api.paging import Listed

router = routing.router("nodes")

MAX_WAIT_SECONDS = 30


class NodeShown(Schema):
    """A machine as members of any project may see it."""

    id: str
    name: str
    capacity: Capacity
    seen_at: datetime
    is_answering: bool
    """Whether it was heard lately; nothing is granted to one that was not."""

    version: str | None = None
    """Of its worker; absent until it was heard by this server process."""

    clock_skew_seconds: float | None = None
    """How far its clock is ahead of the server's."""


class Registered(Schema):
    """What a worker learns when it registers."""

    node: str
    lease_seconds: float
    fence_seconds: float


class ProjectIds(Schema):
    """Every project; what a worker has cached for others is of no use."""

    projects: list[str]


class Appended(Schema):
    """Where the stream ends now."""

    offset: int


class AttemptUnknown(NotFound, code="attempt_unknown"):
    """The server has no such attempt."""


@router.get("/nodes")
async def list_nodes(caller: Viewer, services: Use) -> Listed[NodeShown]:
    """Machines of the installation and what they have."""
    del caller
    shown = [
        NodeShown(
            id=node.id,
            name=node.name,
            capacity=node.capacity,
            seen_at=node.seen_at,
            is_answering=answers,
            version=heard.version,
            clock_skew_seconds=heard.clock_skew_seconds,
        )
        for node, answers in await services.jobs.nodes()
        for heard in (services.nodes.heard.get(node.id, Heard(None, None)),)
    ]
    return Listed[NodeShown](items=shown, next=None)


@router.delete("/nodes/{name}")
async def remove_node(name: str, caller: Operator, services: Use) -> Tombstone:
    """Forget a node that has gone for good; one that answers is refused."""
    return await services.node_removal.remove(caller, name)


@router.get("/nodes/projects", dependencies=[WorkerLink])
async def list_project_ids(services: Use) -> ProjectIds:
    """Projects of which a worker may keep something in its cache."""
    shredded = await services.keys.shredded()
    found = await services.access.projects()
    return ProjectIds(projects=[project.id for project in found if project.id not in shredded])


@router.post("/nodes/register", dependencies=[WorkerLink])
async def register(body: Registration, services: Use) -> Registered:
    """A worker has started."""
    node = await services.nodes.register(body)
    settings = services.nodes.settings
    return Registered(
        node=node.id,
        lease_seconds=settings.lease_seconds,
        fence_seconds=settings.fence_seconds,
    )


@router.post("/nodes/{node}/sync", dependencies=[WorkerLink])
async def sync(
    node: str,
    body: NodeReport,
    services: Use,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0,
) -> NodeOrders:
    """What a node does, for what it should do."""
    return await services.nodes.sync(node, body, wait)


@router.put("/attempts/{attempt}/streams/{name}", dependencies=[WorkerLink])
async def append_stream(
    attempt: str,
    name: str,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)],
    request: Request,
    services: Use,
) -> Appended:
    """Append to a stream of an attempt; bytes that are there already are ignored."""
    found = await services.database.glance(lambda snapshot: attempts.get(snapshot, id=attempt))
    if found is None:
        raise AttemptUnknown(f"Attempt {attempt!r} not found")
    if found.status.is_final:
        async for data in request.stream():
            offset += len(data)
        return Appended(offset=offset)
    if name == "metrics":
        data = await request.body()
        return Appended(
            offset=await services.metrics.append(found.project, found.job, attempt, offset, data)
        )
    # As it comes: a worker sends for as long as its attempt writes.
    end: int | None = None
    async with aclosing(gathered(request.stream())) as pieces:
        async for data in pieces:
            end = await services.streams.append(attempt, name, offset, data)
            offset += len(data)
    if end is None:  # it asks where the stream ends
        end = await services.streams.append(attempt, name, offset, b"")
    return Appended(offset=end)
