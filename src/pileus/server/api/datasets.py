"""Datasets and their versions."""

from __future__ import annotations

from pileus.core.schemas.base import Schema
from pileus.core.schemas.registry import Dataset, DatasetProfile, DatasetVersion
from pileus.registry.tables import DATASET_PROFILES, DATASET_VERSIONS, DATASETS
from pileus.server.api import routing
from pileus.server.api.access import Developer, Use, Viewer
from pileus.server.api.blobs import Digest
from pileus.server.api.paging import Listed, Paging

router = routing.router("datasets")


class NewVersion(Schema):
    """A version to be: its manifest, packs and profile are uploaded already."""

    manifest: Digest
    profile: Digest | None = None


class NewProfile(Schema):
    """A profile to be: its document is uploaded already."""

    profile: Digest


@router.get("/projects/{project}/datasets")
async def list_datasets(caller: Viewer, services: Use, page: Paging) -> Listed[Dataset]:
    """Datasets of the project."""
    return await page.list(DATASETS, services.datasets.datasets, caller.project)


@router.get("/projects/{project}/datasets/{name}")
async def show_dataset(name: str, caller: Viewer, services: Use) -> Dataset:
    """One dataset."""
    return await services.datasets.dataset(caller.project, name)


@router.post("/projects/{project}/datasets/{name}/versions", status_code=201)
async def create_version(
    name: str, body: NewVersion, caller: Developer, services: Use
) -> DatasetVersion:
    """Make an uploaded version visible; the dataset is made with its first one.

    The same content is the same version, so repeating it changes nothing.
    """
    return await services.registrar.dataset_version(caller, name, body.manifest, body.profile)


@router.get("/projects/{project}/datasets/{name}/versions")
async def list_versions(
    name: str, caller: Viewer, services: Use, page: Paging
) -> Listed[DatasetVersion]:
    """Versions of one dataset."""
    await services.datasets.dataset(caller.project, name)
    return await page.list(
        DATASET_VERSIONS, services.datasets.versions, caller.project, name, key="number"
    )


@router.get("/projects/{project}/dataset-versions/{version}")
async def show_version(version: str, caller: Viewer, services: Use) -> DatasetVersion:
    """A version by id, or as `name`, `name@2`, `name@dsv_…`."""
    return await services.datasets.version(caller.project, version)


@router.get("/projects/{project}/dataset-versions/{version}/profiles")
async def list_profiles(
    version: str, caller: Viewer, services: Use, page: Paging
) -> Listed[DatasetProfile]:
    """Profiles of one version, first to last; each is a document in the blob `digest`."""
    found = await services.datasets.version(caller.project, version)
    return await page.list(
        DATASET_PROFILES, services.profiles.profiles, caller.project, found.id, key="number"
    )


@router.post("/projects/{project}/dataset-versions/{version}/profiles", status_code=201)
async def create_profile(
    version: str, body: NewProfile, caller: Developer, services: Use
) -> DatasetProfile:
    """Add an uploaded profile to a version; earlier ones stay.

    The same document is the same profile, so repeating it changes nothing.
    """
    return await services.registrar.dataset_profile(caller, version, body.profile)
