"""What attempts use of what they asked for."""

from __future__ import annotations

from fastapi.responses import Response

from pileus.core.schemas.usage import JobUsage, Top, UsageReport
from pileus.server.api import routing
from pileus.server.api.access import Use, Viewer, WorkerLink
from pileus.server.api.paging import MAX_ITEMS

router = routing.router("usage")


@router.get("/projects/{project}/top")
async def show_top(caller: Viewer, services: Use) -> Top:
    """Attempts of the project that have not ended, and the load of each node."""
    return await services.usage.top(caller.project, most=MAX_ITEMS)


@router.get("/projects/{project}/jobs/{job_id}/usage")
async def show_usage(job_id: str, caller: Viewer, services: Use) -> JobUsage:
    """What each attempt of a job uses, or has used in all."""
    return await services.usage.of_job(caller.project, job_id)


@router.post("/nodes/{node}/usage", status_code=204, dependencies=[WorkerLink])
async def report_usage(node: str, body: UsageReport, services: Use) -> Response:
    """What all attempts of a node use, in the place of what it said before."""
    await services.usage.report(node, body)
    return Response(status_code=204)
