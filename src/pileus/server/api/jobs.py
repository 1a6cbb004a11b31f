"""Jobs, and what their attempts report."""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import Response, StreamingResponse
from pydantic import AwareDatetime

from pileus.core.schemas.base import Schema
from pileus.core.schemas.jobs import Artifact, Attempt, Job, JobSpec
from pileus.core.schemas.queue import Estimate, Queue
from pileus.jobs.tables import JOBS
from pileus.server.api import routing
from pileus.server.api.access import Developer, Operator, Use, Viewer
from pileus.server.api.blobs import streamed
from pileus.server.api.creating import Creating
from pileus.server.api.paging import MAX_ITEMS, Listed, Paging
from pileus.server.following import follow, search
from pileus.tracking.artifacts import artifact_at
from pileus.tracking.timed import Wanted

router = routing.router("jobs")

MAX_WAIT_SECONDS = 20
DEFAULT_POINTS = 1000
MAX_POINTS = 100_000
MAX_LINES = 100_000
MAX_OFFSET = 2**53
"""No file is larger, and JSON keeps every number below it."""


class Points(Schema):
    """A metric over time: step, value (a word when not finite), ISO time."""

    points: list[tuple[int, float | str, str]]
    count: int
    """How many there are; more than are shown when they were thinned."""


class Draining(Schema):
    """How far the installation is in going down."""

    running: int


@router.post("/projects/{project}/jobs", status_code=201)
async def submit_job(body: JobSpec, caller: Developer, services: Use, once: Creating) -> Job:
    """Queue a job."""
    return await services.jobs.submit(caller, body, once)


@router.post("/projects/{project}/jobs/estimate")
async def estimate_job(body: JobSpec, caller: Developer, services: Use) -> Estimate:
    """What a job would meet and cost if it were submitted now."""
    return await services.jobs.estimate(caller, body)


@router.get("/projects/{project}/jobs")
async def list_jobs(caller: Viewer, services: Use, page: Paging) -> Listed[Job]:
    """Jobs of the project, newest first."""
    return await page.list(JOBS, services.jobs.jobs, caller.project, order="descending")


@router.get("/projects/{project}/queue")
async def show_queue(caller: Viewer, services: Use) -> Queue:
    """Jobs of the project that wait, first to start first, and what each waits for."""
    return await services.jobs.queue(caller.project, most=MAX_ITEMS)


@router.get("/projects/{project}/jobs/{job_id}")
async def show_job(job_id: str, caller: Viewer, services: Use) -> Job:
    """One job."""
    return await services.jobs.job(caller.project, job_id)


@router.post("/projects/{project}/jobs/{job_id}/cancel")
async def cancel_job(job_id: str, caller: Developer, services: Use) -> Job:
    """Stop a job."""
    return await services.jobs.cancel(caller, job_id)


@router.get("/projects/{project}/jobs/{job_id}/attempts")
async def list_attempts(job_id: str, caller: Viewer, services: Use) -> Listed[Attempt]:
    """Tries of a job, first to last."""
    found = await services.jobs.attempts(caller.project, job_id)
    return Listed[Attempt](items=found, next=None)


@router.get("/projects/{project}/jobs/{job_id}/logs")
async def read_logs(
    job_id: str,
    caller: Viewer,
    services: Use,
    stream: str = "stdout",
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0,
    attempt: str | None = None,
    rank: Annotated[int, Query(ge=0)] = 0,
    since: AwareDatetime | None = None,
) -> Response:
    """Bytes of a stream from `offset`; waits for the first new ones up to `wait` seconds.

    With `since`, from the first line of a log on that is not known to be from before that time.
    `Pileus-Next-Offset` is where to go on, `Pileus-Final` says that nothing will follow.
    """
    chunk, attempt_id = await follow(
        services, caller, job_id, attempt, stream, offset, wait, since, rank
    )
    return Response(
        chunk.data,
        media_type="application/octet-stream",
        headers={
            "Pileus-Next-Offset": str(chunk.next_offset),
            "Pileus-Final": "true" if chunk.is_final else "false",
            "Pileus-Attempt": attempt_id,
        },
    )


@router.get("/projects/{project}/jobs/{job_id}/logs/lines", response_class=StreamingResponse)
async def search_logs(
    job_id: str,
    caller: Viewer,
    services: Use,
    stream: str = "stdout",
    grep: Annotated[str, Query(max_length=1000)] = "",
    tail: Annotated[int | None, Query(ge=1, le=MAX_LINES)] = None,
    attempt: str | None = None,
    rank: Annotated[int, Query(ge=0)] = 0,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    *,
    timestamps: bool = False,
) -> StreamingResponse:
    """Whole lines that contain `grep`, a plain text; with `tail` the last so many of them.

    `since` and `until` bound the time at which they were written, and with `timestamps` each has it in
    front, in UTC, or `-` where it is not known; such a line counts as one of every time.
    """
    wanted = Wanted(since, until, timestamps)
    text = grep.encode()
    found = await search(services, caller, job_id, attempt, stream, text, tail, wanted, rank)
    return StreamingResponse(found, media_type="application/octet-stream")


@router.get("/projects/{project}/jobs/{job_id}/metrics")
async def list_metrics(job_id: str, caller: Viewer, services: Use) -> dict[str, Any]:
    """Last, min, max, step and count of every metric."""
    await services.jobs.job(caller.project, job_id)
    found = await services.metrics.summaries(caller.project, job_id)
    return {"items": [dict(record) for record in found], "next": None}


@router.get("/projects/{project}/jobs/{job_id}/metrics/{name:path}")
async def read_metric(
    job_id: str,
    name: str,
    caller: Viewer,
    services: Use,
    points: Annotated[int, Query(ge=2, le=MAX_POINTS)] = DEFAULT_POINTS,
) -> Points:
    """Points of one metric; where there are more than `points`, the lowest and the highest of each
    of so many runs of neighbours that they are at most as many.
    """
    tries = await services.jobs.attempts(caller.project, job_id)
    attempts = [one.id for one in tries]
    shown = await services.metrics.points(caller.project, job_id, attempts, name, points)
    return Points(
        points=[(p.step, _json_number(p.value), p.moment) for p in shown.series],
        count=shown.count,
    )


@router.get(
    "/projects/{project}/jobs/{job_id}/points/{name:path}", response_class=StreamingResponse
)
async def export_metric(job_id: str, name: str, caller: Viewer, services: Use) -> StreamingResponse:
    """Every point of one metric, as CSV."""
    tries = await services.jobs.attempts(caller.project, job_id)
    lines = await services.metrics.csv(caller.project, job_id, [one.id for one in tries], name)
    return StreamingResponse(lines, media_type="text/csv")


@router.get("/projects/{project}/jobs/{job_id}/artifacts")
async def list_artifacts(job_id: str, caller: Viewer, services: Use) -> Listed[Artifact]:
    """Files that the newest try with any has left; of a path that several members of a gang wrote,
    that of the lowest rank.
    """
    _, found = await services.jobs.artifacts(caller.project, job_id)
    return Listed[Artifact](items=found, next=None)


@router.get("/projects/{project}/jobs/{job_id}/artifacts/{path:path}")
async def read_artifact(job_id: str, path: str, caller: Viewer, services: Use) -> StreamingResponse:
    """One file."""
    _, left = await services.jobs.artifacts(caller.project, job_id)
    artifact = artifact_at(left, path)
    return await streamed(services, caller.project, artifact.digest)


@router.post("/drain")
async def drain(caller: Operator, services: Use) -> Draining:
    """Grant nothing more; running jobs save a checkpoint and go back to the queue."""
    return Draining(running=await services.jobs.drain(caller))


def _json_number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
