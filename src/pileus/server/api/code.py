"""Code snapshots."""

from __future__ import annotations

from pileus.core.schemas.code import CodeSnapshot, NewCode
from pileus.server.api import routing
from pileus.server.api.access import Developer, Use, Viewer

router = routing.router("code")


@router.post("/projects/{project}/code", status_code=201)
async def create_code(body: NewCode, caller: Developer, services: Use) -> CodeSnapshot:
    """Make a snapshot of uploaded files. The same content is the same snapshot."""
    return await services.code.commit(caller, body)


@router.post("/projects/{project}/code/{code}/use")
async def use_code(code: str, caller: Developer, services: Use) -> CodeSnapshot:
    """A snapshot that a job is about to be submitted with: it stays for the grace of uploads."""
    return await services.code.use(caller, code)


@router.get("/projects/{project}/code/{code}")
async def show_code(code: str, caller: Viewer, services: Use) -> CodeSnapshot:
    """One code snapshot."""
    return await services.code.code(caller.project, code)
