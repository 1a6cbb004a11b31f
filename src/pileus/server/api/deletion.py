"""Deletion of every noun, the way back, and collection.

A deletion answers with its tombstone. `now` leaves no way back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query

from pileus.core.schemas.deletion import Collected, Tombstone
from pileus.security.tables import TOMBSTONES
from pileus.server.api import routing
from pileus.server.api.access import Admin, Developer, Operator, Use, Viewer
from pileus.server.api.money import zoned
from pileus.server.api.paging import Listed, Paging

router = routing.router("deletion")

Now = Annotated[bool, Query(description="Without grace: it cannot be brought back.")]


@router.delete("/projects/{project}/datasets/{name}")
async def delete_dataset(
    name: str, caller: Developer, services: Use, *, now: Now = False
) -> Tombstone:
    """Delete a dataset with its versions, or one version: `digits@2`."""
    return await services.deletion.delete(caller, "dataset", name, now=now)


@router.delete("/projects/{project}/models/{name}")
async def delete_model(
    name: str, caller: Developer, services: Use, *, now: Now = False
) -> Tombstone:
    """Delete a model with its versions, or one version: `digits:2`."""
    return await services.deletion.delete(caller, "model", name, now=now)


@router.delete("/projects/{project}/jobs/{job_id}")
async def delete_job(
    job_id: str, caller: Developer, services: Use, *, now: Now = False
) -> Tombstone:
    """Delete a job that has ended, with its attempts, logs, metrics and artifacts."""
    return await services.deletion.delete(caller, "job", job_id, now=now)


@router.delete("/projects/{project}/pipelines/{pipeline_id}")
async def delete_pipeline(
    pipeline_id: str, caller: Developer, services: Use, *, now: Now = False
) -> Tombstone:
    """Delete a pipeline that has ended; its jobs stay."""
    return await services.deletion.delete(caller, "pipeline", pipeline_id, now=now)


@router.delete("/projects/{project}/schedules/{name}")
async def delete_schedule(
    name: str, caller: Developer, services: Use, *, now: Now = False
) -> Tombstone:
    """Submit nothing of it any more; its pipelines stay."""
    return await services.deletion.delete(caller, "schedule", name, now=now)


@router.delete("/projects/{project}/endpoints/{name}")
async def delete_endpoint(
    name: str, caller: Developer, services: Use, *, now: Now = False
) -> Tombstone:
    """Stop answering at this address."""
    return await services.deletion.delete(caller, "endpoint", name, now=now)


@router.delete("/projects/{project}/principals/{name}")
async def delete_principal(
    name: str, caller: Admin, services: Use, *, now: Now = False
) -> Tombstone:
    """Delete a member with all tokens."""
    return await services.deletion.delete(caller, "principal", name, now=now)


@router.delete("/projects/{project}/tokens/{token_id}")
async def delete_token(
    token_id: str, caller: Admin, services: Use, *, now: Now = False
) -> Tombstone:
    """Delete a token: it stops working and leaves the list."""
    return await services.deletion.delete(caller, "token", token_id, now=now)


@router.delete("/projects/{project}/predictions")
async def delete_records(
    before: datetime, caller: Admin, services: Use, *, now: Now = False
) -> Tombstone:
    """Delete the records of predictions that arrived before a time. The bill stays."""
    moment = zoned(before).isoformat()
    return await services.deletion.delete(caller, "records", moment, now=now)


@router.delete("/projects/{name}")
async def delete_project(
    name: str, caller: Operator, services: Use, *, now: Now = False
) -> Tombstone:
    """Delete a project with all that is in it. Its ledger and its audit stay."""
    return await services.deletion.delete(caller, "project", name, now=now)


@router.get("/projects/{project}/deleted")
async def list_deleted(caller: Viewer, services: Use, page: Paging) -> Listed[Tombstone]:
    """What was deleted, newest first."""
    return await page.list(
        TOMBSTONES, services.deletion.deleted, caller.project, order="descending"
    )


@router.post("/projects/{project}/deleted/{identifier}/undelete")
async def undelete(identifier: str, caller: Developer, services: Use) -> Tombstone:
    """Bring something back within its grace, by its id or its tombstone's."""
    return await services.deletion.undelete(caller, identifier)


@router.post("/collect")
async def collect(caller: Operator, services: Use, *, dry_run: bool = False) -> Collected:
    """Remove for good what is due, now; or only say what would go."""
    collected = await services.collector.collect(is_dry_run=dry_run)
    if not dry_run:
        await services.database.write(
            lambda transaction: services.audit.append(
                transaction, caller, "collect", "blob", "", **collected.model_dump()
            )
        )
    return collected
