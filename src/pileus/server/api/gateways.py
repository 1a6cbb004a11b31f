"""The link that gateways hold: routes out, meters and records in."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from pileus.core.schemas.base import Schema
from pileus.core.schemas.metering import MeterReport
from pileus.server.api import routing
from pileus.server.api.access import GatewayLink, Use

router = routing.router("gateways", dependencies=[GatewayLink])

MAX_WAIT_SECONDS = 30


class Taken(Schema):
    """High-water mark of the source."""

    sequence: int


class Kept(Schema):
    """A segment that was kept."""

    lane: int
    number: int
    size: int


@router.get("/gateway/routes")
async def routes(
    services: Use,
    after: Annotated[int, Query(ge=0)] = 0,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0,
) -> Response:
    """The whole document when it is newer than `after`; 204 when nothing changed."""
    found = await services.routes.routes(after, wait)
    if found is None:
        return Response(status_code=204)
    return Response(found.model_dump_json(), media_type="application/json")


@router.post("/gateway/meters")
async def take_meters(body: MeterReport, services: Use) -> Taken:
    """Absolute counters of one lane boot."""
    return Taken(sequence=await services.meters.take(body))


@router.put("/gateway/segments/{lane}/{number}")
async def take_segment(
    lane: int, number: int, project: str, source: str, request: Request, services: Use
) -> Kept:
    """A sealed segment of prediction records."""
    data = await request.body()
    owner = await services.access.project(project)
    await services.records.take(owner.id, lane, number, source, data)
    return Kept(lane=lane, number=number, size=len(data))
