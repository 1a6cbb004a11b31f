"""Schedules: pipelines that are submitted again at the times of a cron expression."""

from __future__ import annotations

from pileus.core.schemas.pipelines import PipelineView
from pileus.core.schemas.schedules import (
    NewSchedule,
    Preview,
    Schedule,
    ScheduleChange,
    ScheduleShown,
    ScheduleTerms,
)
from pileus.jobs.tables import SCHEDULES
from pileus.server.api import routing
from pileus.server.api.access import Developer, Use, Viewer
from pileus.server.api.creating import Creating
from pileus.server.api.paging import Listed, Paging

router = routing.router("schedules")


@router.post("/projects/{project}/schedules", status_code=201)
async def create_schedule(
    body: NewSchedule, caller: Developer, services: Use, once: Creating
) -> Schedule:
    """Submit a pipeline at its times from now on."""
    return await services.schedules.create(caller, body, once)


@router.post("/projects/{project}/schedules/check")
async def check_schedule(body: ScheduleTerms, caller: Developer, services: Use) -> Preview:
    """When it would run what; nothing is kept."""
    return await services.schedules.check(caller, body)


@router.get("/projects/{project}/schedules")
async def list_schedules(caller: Viewer, services: Use, page: Paging) -> Listed[Schedule]:
    """Schedules of the project."""
    return await page.list(SCHEDULES, services.schedules.schedules, caller.project)


@router.get("/projects/{project}/schedules/{name}")
async def show_schedule(name: str, caller: Viewer, services: Use) -> ScheduleShown:
    """One schedule with its next times and its newest pipelines."""
    return await services.schedules.schedule(caller.project, name)


@router.patch("/projects/{project}/schedules/{name}")
async def change_schedule(
    name: str, body: ScheduleChange, caller: Developer, services: Use
) -> Schedule:
    """Change, pause or resume it; it runs with the caller's rights from now on."""
    return await services.schedules.change(caller, name, body)


@router.post("/projects/{project}/schedules/{name}/run", status_code=201)
async def run_schedule(name: str, caller: Developer, services: Use, once: Creating) -> PipelineView:
    """Submit its pipeline at once, beside its times."""
    return await services.schedules.run_now(caller, name, once)
