"""Model versions: what a successful job left behind becomes one, if it proved parity."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pileus.core.ids import NewId
from pileus.core.schemas.jobs import Artifact
from pileus.core.schemas.registry import BundleFile, Model, ModelVersion
from pileus.registry.errors import ModelNotFound, RegistrationRefused
from pileus.registry.store import model_versions, models, resolve_model
from pileus.storage.blob import BlobStore, read_all
from pileus.storage.database import Database
from pileus.storage.errors import BlobNotFound
from pileus.storage.transaction import Snapshot, Transaction, Where

BUNDLE = "bundle/"
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
"""A bundle.json, evaluation or parity report larger than this is refused."""


@dataclass(frozen=True)
class ModelDraft:
    """What the artifacts of a job say of a version to be; read before the transaction."""

    bundle: tuple[BundleFile, ...]
    signature: dict[str, Any]
    evaluation: dict[str, Any]
    parity: dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """Where a version comes from: its lineage upwards."""

    project: str
    job: str
    attempt: str
    dataset_version: str | None
    code_digest: str
    created_by: str


async def draft_of(blobs: BlobStore, project: str, artifacts: Sequence[Artifact]) -> ModelDraft:
    """Read bundle, evaluation and parity among a job's artifacts.

    Raises RegistrationRefused when one is missing or parity was not proved.
    """
    by_path = {artifact.path: artifact for artifact in artifacts}

    async def document(path: str) -> dict[str, Any]:
        artifact = by_path.get(path)
        if artifact is None or artifact.size > MAX_DOCUMENT_BYTES:
            problem = "left no" if artifact is None else "left an oversized"
            raise RegistrationRefused(
                f"The job {problem} artifact {path!r}",
                hint="Only a job that trained with a recipe can be registered.",
            )
        try:
            content = json.loads(await read_all(blobs, project, artifact.digest))
        except BlobNotFound as error:
            raise _not_stored(artifact) from error
        except (ValueError, RecursionError) as error:
            raise RegistrationRefused(f"Artifact {path!r} is not JSON: {error}") from error
        if not isinstance(content, dict):
            raise RegistrationRefused(f"Artifact {path!r} is not a JSON object")
        return content

    signature = await document(f"{BUNDLE}bundle.json")
    evaluation = await document("evaluation.json")
    parity = await document("parity.json")
    if parity.get("passed") is not True:
        raise RegistrationRefused(
            "The exported graph does not answer as the trained model does: maximum absolute"
            f" difference {parity.get('max_abs_diff')!r}, tolerance {parity.get('tolerance')!r},"
            f" equal classes {parity.get('equal_classes')!r}",
            hint="Look at artifact 'parity.json'; train again with another seed or recipe.",
        )
    files = [a for path, a in sorted(by_path.items()) if path.startswith(BUNDLE)]
    for file in files:
        if await blobs.size(project, file.digest) != file.size:
            raise _not_stored(file)
    bundle = tuple(
        BundleFile(path=file.path.removeprefix(BUNDLE), digest=file.digest, size=file.size)
        for file in files
    )
    return ModelDraft(bundle, signature, evaluation, parity)


def _not_stored(artifact: Artifact) -> RegistrationRefused:
    return RegistrationRefused(
        f"Artifact {artifact.path!r} of {artifact.size} bytes is not stored",
        hint="Its node did not upload it whole; run the job again.",
    )


def version_of_job(snapshot: Snapshot, project: str, name: str, job: str) -> ModelVersion | None:
    """The version of this model that a job has become already."""
    return model_versions.get(snapshot, project=project, model=name, job=job)


def add_version(
    transaction: Transaction, new_id: NewId, name: str, draft: ModelDraft, origin: Origin
) -> ModelVersion:
    """Register within the caller's transaction. The same job again is the same version."""
    existing = version_of_job(transaction, origin.project, name, origin.job)
    if existing is not None:
        return existing
    model = models.get(transaction, project=origin.project, name=name)
    if model is None:
        model = models.insert(
            transaction,
            Model(id=new_id("mdl"), project=origin.project, created_at=transaction.now, name=name),
        )
    model = models.swap(transaction, model.model_copy(update={"versions": model.versions + 1}))
    return model_versions.insert(
        transaction,
        ModelVersion(
            id=new_id("mdv"),
            project=origin.project,
            created_at=transaction.now,
            model=name,
            number=model.versions,
            job=origin.job,
            attempt=origin.attempt,
            dataset_version=origin.dataset_version,
            code_digest=origin.code_digest,
            bundle=draft.bundle,
            signature=draft.signature,
            evaluation=draft.evaluation,
            parity=draft.parity,
            created_by=origin.created_by,
        ),
    )


class ModelService:
    """What models and versions there are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def models(
        self, project: str, where: Where = (), *, limit: int | None = None
    ) -> list[Model]:
        """Models of a project, by id."""
        return await self._database.read(
            lambda snapshot: models.find(
                snapshot, [("project", "=", project), *where], order=["id"], limit=limit
            )
        )

    async def model(self, project: str, name: str) -> Model:
        """The model called `name`. Raises ModelNotFound."""
        found = await self._database.read(
            lambda snapshot: models.get(snapshot, project=project, name=name)
        )
        if found is None:
            raise ModelNotFound(name)
        return found

    async def versions(
        self, project: str, name: str, where: Where = (), *, limit: int | None = None
    ) -> list[ModelVersion]:
        """Versions of a model, first to last."""
        return await self._database.read(
            lambda snapshot: model_versions.find(
                snapshot,
                [("project", "=", project), ("model", "=", name), *where],
                order=["number"],
                limit=limit,
            )
        )

    async def version(self, project: str, reference: str) -> ModelVersion:
        """What `digits` or `digits:1` means. Raises ModelNotFound."""
        return await self._database.read(
            lambda snapshot: resolve_model(snapshot, project, reference)
        )
