"""Secrets of a project. A value comes in and goes to attempts; no route gives it to a person."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from pileus.core.schemas.secrets import SecretShown, SecretValues
from pileus.security.tables import SECRETS
from pileus.server.api import routing
from pileus.server.api.access import Admin, OwnAttempt, Use, Viewer
from pileus.server.api.paging import Listed, Paging

router = routing.router("secrets")


@router.get("/projects/{project}/secrets")
async def list_secrets(caller: Viewer, services: Use, page: Paging) -> Listed[SecretShown]:
    """Names and versions; never a value."""
    return await page.list(SECRETS, services.secrets.secrets, caller.project)


@router.put("/projects/{project}/secrets/{name}")
async def set_secret(name: str, caller: Admin, services: Use, request: Request) -> SecretShown:
    """The body, as it is, is the value from now on."""
    # Bytes and no document: what does not fit a schema is quoted in the message that says so.
    return await services.secrets.set(caller, name, await request.body())


@router.delete("/projects/{project}/secrets/{name}", status_code=204)
async def remove_secret(name: str, caller: Admin, services: Use) -> Response:
    """It is gone at once, with no grace."""
    await services.secrets.remove(caller, name)
    return Response(status_code=204)


@router.get("/projects/{project}/jobs/{job_id}/secrets")
async def give_secrets(job_id: str, attempt: OwnAttempt, services: Use) -> SecretValues:
    """The values that the job names, for a running attempt of it."""
    job = await services.jobs.job(attempt.project, job_id)
    names = [secret.name for secret in job.spec.secrets]
    return SecretValues(secrets=await services.secrets.give(attempt, list(dict.fromkeys(names))))
