"""Endpoints, predictions and where they came from."""

from __future__ import annotations

from typing import Any

from pileus.core.schemas.base import Name, Schema
from pileus.core.schemas.serving import Endpoint, Revision
from pileus.server.api import routing
from pileus.server.api.access import Developer, Use, Viewer
from pileus.server.api.creating import Creating
from pileus.server.api.paging import Listed, Paging
from pileus.serving.tables import ENDPOINTS

router = routing.router("endpoints")


class NewEndpoint(Schema):
    """An endpoint to be: `model` is `name` for its newest version or `name:number`."""

    name: Name
    model: str


class NewRevision(Schema):
    """What to serve from now on."""

    model: str


class EndpointShown(Schema):
    """An endpoint with its revisions, newest first."""

    endpoint: Endpoint
    revisions: list[Revision]


@router.get("/projects/{project}/endpoints")
async def list_endpoints(caller: Viewer, services: Use, page: Paging) -> Listed[Endpoint]:
    """Endpoints of the project."""
    return await page.list(ENDPOINTS, services.endpoints.endpoints, caller.project)


@router.post("/projects/{project}/endpoints", status_code=201)
async def create_endpoint(
    body: NewEndpoint, caller: Developer, services: Use, once: Creating
) -> Endpoint:
    """Serve a model version at a new address."""
    return await services.endpoints.create(caller, body.name, body.model, once)


@router.get("/projects/{project}/endpoints/{name}")
async def show_endpoint(name: str, caller: Viewer, services: Use) -> EndpointShown:
    """One endpoint and its revisions."""
    endpoint, revisions = await services.endpoints.endpoint(caller.project, name)
    return EndpointShown(endpoint=endpoint, revisions=revisions)


@router.post("/projects/{project}/endpoints/{name}/revisions", status_code=201)
async def revise_endpoint(
    name: str, body: NewRevision, caller: Developer, services: Use
) -> Endpoint:
    """Serve another model version at the same address."""
    return await services.endpoints.revise(caller, name, body.model)


@router.get("/projects/{project}/predictions/{prediction}")
async def show_prediction(prediction: str, caller: Viewer, services: Use) -> dict[str, Any]:
    """The record of one prediction."""
    return await services.records.record(caller.project, prediction)


@router.get("/projects/{project}/lineage/{identifier}")
async def lineage(identifier: str, caller: Viewer, services: Use) -> dict[str, Any]:
    """Where a prediction, endpoint, model version, job or dataset version came from."""
    return await services.lineage.of(caller.project, identifier)


@router.get("/projects/{project}/why/{identifier}")
async def why(identifier: str, caller: Viewer, services: Use) -> dict[str, Any]:
    """What something waits for, or how it ended."""
    return await services.why.of(caller.project, identifier)
