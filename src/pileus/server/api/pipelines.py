"""Pipelines: named jobs that need one another."""

from __future__ import annotations

from pileus.core.schemas.base import Schema
from pileus.core.schemas.pipelines import PipelineSpec, PipelineView
from pileus.jobs.tables import PIPELINES
from pileus.server.api import routing
from pileus.server.api.access import Developer, Use, Viewer
from pileus.server.api.creating import Creating
from pileus.server.api.paging import Listed, Paging

router = routing.router("pipelines")


class Order(Schema):
    """Names of jobs, each after those that it needs."""

    jobs: list[str]


@router.post("/projects/{project}/pipelines", status_code=201)
async def submit_pipeline(
    body: PipelineSpec, caller: Developer, services: Use, once: Creating
) -> PipelineView:
    """Submit all its jobs, or none."""
    return await services.pipelines.submit(caller, body, once)


@router.post("/projects/{project}/pipelines/check")
async def check_pipeline(body: PipelineSpec, caller: Developer, services: Use) -> Order:
    """Whether it could be submitted now, and in which order its jobs would run."""
    return Order(jobs=await services.pipelines.check(caller, body))


@router.get("/projects/{project}/pipelines")
async def list_pipelines(caller: Viewer, services: Use, page: Paging) -> Listed[PipelineView]:
    """Pipelines of the project, newest first."""
    return await page.list(
        PIPELINES, services.pipelines.pipelines, caller.project, order="descending"
    )


@router.get("/projects/{project}/pipelines/{pipeline_id}")
async def show_pipeline(pipeline_id: str, caller: Viewer, services: Use) -> PipelineView:
    """One pipeline with the state of its jobs."""
    return await services.pipelines.pipeline(caller.project, pipeline_id)


@router.post("/projects/{project}/pipelines/{pipeline_id}/cancel")
async def cancel_pipeline(pipeline_id: str, caller: Developer, services: Use) -> PipelineView:
    """Stop all its jobs that have not ended."""
    return await services.pipelines.cancel(caller, pipeline_id)


@router.post("/projects/{project}/pipelines/{pipeline_id}/retry", status_code=201)
async def retry_pipeline(
    pipeline_id: str, caller: Developer, services: Use, once: Creating
) -> PipelineView:
    """Run anew what failed or was cancelled; what succeeded is kept."""
    return await services.pipelines.retry(caller, pipeline_id, once)
