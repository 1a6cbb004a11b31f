"""Models and their versions."""

from __future__ import annotations

from pileus.core.schemas.base import Schema
from pileus.core.schemas.registry import Model, ModelVersion
from pileus.registry.tables import MODEL_VERSIONS, MODELS
from pileus.server.api import routing
from pileus.server.api.access import Developer, Use, Viewer
from pileus.server.api.paging import Listed, Paging

router = routing.router("models")


class NewModelVersion(Schema):
    """What to register."""

    job: str


@router.get("/projects/{project}/models")
async def list_models(caller: Viewer, services: Use, page: Paging) -> Listed[Model]:
    """Models of the project."""
    return await page.list(MODELS, services.models.models, caller.project)


@router.get("/projects/{project}/models/{name}")
async def show_model(name: str, caller: Viewer, services: Use) -> Model:
    """One model."""
    return await services.models.model(caller.project, name)


@router.get("/projects/{project}/models/{name}/versions")
async def list_model_versions(
    name: str, caller: Viewer, services: Use, page: Paging
) -> Listed[ModelVersion]:
    """Versions of one model."""
    await services.models.model(caller.project, name)
    return await page.list(
        MODEL_VERSIONS, services.models.versions, caller.project, name, key="number"
    )


@router.post("/projects/{project}/models/{name}/versions", status_code=201)
async def register_version(
    name: str, body: NewModelVersion, caller: Developer, services: Use
) -> ModelVersion:
    """Register what a job left behind; the same job again is the same version."""
    return await services.registrar.model_version(caller, name, body.job)


@router.get("/projects/{project}/models/{name}/versions/{number}")
async def show_model_version(name: str, number: int, caller: Viewer, services: Use) -> ModelVersion:
    """One version by number."""
    return await services.models.version(caller.project, f"{name}:{number}")
