"""Datasets, models and their versions."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pileus.core.schemas.base import Answer, Row


class Dataset(Row):
    """A named collection of versions."""

    name: str
    versions: int = 0
    newest: str | None = None
    """Id of the newest version."""


class DatasetVersion(Row):
    """An immutable version; `id` is a digest of its content. Primary key (project, id)."""

    dataset: str
    """Name of the dataset."""

    number: int
    manifest: str
    """SHA-256 of the manifest's blob."""

    manifest_bytes: int

    kind: str
    task: str
    rows_train: int
    rows_untouched: int
    size_bytes: int
    source: str
    job: str | None = None
    """The transform that made it; None for what was ingested."""

    created_by: str
    info: dict[str, Any] = Field(default_factory=dict)
    """Classes, columns, split, image sizes and `skipped` parts, as the manifest says; for show."""

    packs: tuple[Pack, ...] = ()


class DatasetProfile(Row):
    """One profile of a dataset version; the document is a blob. A newer one replaces none."""

    version: str
    """Id of the dataset version, `dsv_…`."""

    number: int
    schema_number: int
    """`schema` of the document."""

    profiler: int
    """Number of the profiler that wrote it."""

    digest: str
    """SHA-256 of the document's blob."""

    size_bytes: int
    created_by: str


class Pack(Answer):
    """A blob that holds the bytes of items."""

    digest: str
    size: int


class Model(Row):
    """A registered machine-learned model."""

    name: str
    versions: int = 0


class ModelVersion(Row):
    """One version: bundle, lineage, evaluation."""

    model: str
    number: int
    job: str
    attempt: str
    dataset_version: str | None
    code_digest: str
    bundle: tuple[BundleFile, ...]
    signature: dict[str, Any]
    evaluation: dict[str, Any]
    parity: dict[str, Any]
    created_by: str

    @property
    def label(self) -> str:
        return f"{self.model}:{self.number}"


class BundleFile(Answer):
    """A file of a bundle, relative to the bundle's root."""

    path: str
    digest: str
    size: int


DatasetVersion.model_rebuild()
ModelVersion.model_rebuild()
