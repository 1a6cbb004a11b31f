"""Dataset versions: commits what was uploaded, answers what exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pileus.core.ids import NewId
from pileus.core.schemas.registry import Dataset, DatasetVersion, Pack
from pileus.core.schemas.tenancy import Caller
from pileus.metering.storage import StorageAccount
from pileus.registry.errors import DatasetNotFound
from pileus.registry.profiles import ProfileDraft, ProfileService
from pileus.registry.store import (
    check_dataset_name,
    dataset_versions,
    datasets,
    resolve_dataset,
)
from pileus.security.audit import AuditLog
from pileus.storage.database import Database
from pileus.storage.transaction import Transaction, Where


@dataclass(frozen=True)
class VersionDraft:
    """What a checked manifest says of a version to be."""

    id: str
    manifest: str
    manifest_bytes: int
    kind: str
    task: str
    rows_train: int
    rows_untouched: int
    size_bytes: int
    source: str
    info: Mapping[str, Any]
    packs: tuple[Pack, ...]


@dataclass(frozen=True)
class VersionOrigin:
    """Who or what a version comes from."""

    project: str
    created_by: str
    job: str | None = None


def add_dataset_version(
    transaction: Transaction,
    new_id: NewId,
    name: str,
    draft: VersionDraft,
    origin: VersionOrigin,
) -> DatasetVersion:
    """Make a version within the caller's transaction, and its dataset when that is new.

    The same content again is the version that is there, of the origin that it had.
    """
    existing = dataset_versions.get(transaction, project=origin.project, dataset=name, id=draft.id)
    if existing is not None:
        return existing
    dataset = datasets.get(transaction, project=origin.project, name=name)
    if dataset is None:
        dataset = datasets.insert(
            transaction,
            Dataset(
                id=new_id("dst"),
                project=origin.project,
                created_at=transaction.now,
                name=name,
            ),
        )
    number = dataset.versions + 1
    update = {"versions": number, "newest": draft.id}
    datasets.swap(transaction, dataset.model_copy(update=update))
    return dataset_versions.insert(
        transaction,
        DatasetVersion(
            id=draft.id,
            project=origin.project,
            created_at=transaction.now,
            dataset=name,
            number=number,
            manifest=draft.manifest,
            manifest_bytes=draft.manifest_bytes,
            kind=draft.kind,
            task=draft.task,
            rows_train=draft.rows_train,
            rows_untouched=draft.rows_untouched,
            size_bytes=draft.size_bytes,
            source=draft.source,
            job=origin.job,
            created_by=origin.created_by,
            info=dict(draft.info),
            packs=draft.packs,
        ),
    )


class DatasetService:
    """Named collections of immutable versions."""

    def __init__(
        self,
        database: Database,
        new_id: NewId,
        audit: AuditLog,
        profiles: ProfileService,
        storage: StorageAccount,
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._audit = audit
        self._profiles = profiles
        self._storage = storage

    async def commit(
        self, caller: Caller, name: str, draft: VersionDraft, profile: ProfileDraft | None = None
    ) -> DatasetVersion:
        """Make the version visible, with its profile. The same content is the same version.

        Raises BlobNotFound when what it names was collected since it was uploaded.
        """
        name = check_dataset_name(name)

        def work(transaction: Transaction) -> DatasetVersion:
            if profile is not None:
                self._profiles.add(transaction, caller, draft.id, profile)
            found = dataset_versions.get(
                transaction, project=caller.project, dataset=name, id=draft.id
            )
            if found is not None:
                return found
            named = [draft.manifest, *(pack.digest for pack in draft.packs)]
            self._storage.claim(transaction, caller.project, named)
            origin = VersionOrigin(caller.project, caller.principal)
            version = add_dataset_version(transaction, self._new_id, name, draft, origin)
            self._audit.append(
                transaction, caller, "create", "dataset_version", version.id, dataset=name
            )
            return version

        return await self._database.write(work)

    async def datasets(
        self, project: str, where: Where = (), *, limit: int | None = None
    ) -> list[Dataset]:
        """Datasets of a project, by id."""
        return await self._database.read(
            lambda snapshot: datasets.find(
                snapshot, [("project", "=", project), *where], order=["id"], limit=limit
            )
        )

    async def dataset(self, project: str, name: str) -> Dataset:
        """The dataset called `name`. Raises DatasetNotFound."""
        found = await self._database.read(
            lambda snapshot: datasets.get(snapshot, project=project, name=name)
        )
        if found is None:
            raise DatasetNotFound(name)
        return found

    async def versions(
        self, project: str, name: str, where: Where = (), *, limit: int | None = None
    ) -> list[DatasetVersion]:
        """Versions of a dataset, first to last."""
        return await self._database.read(
            lambda snapshot: dataset_versions.find(
                snapshot,
                [("project", "=", project), ("dataset", "=", name), *where],
                order=["number"],
                limit=limit,
            )
        )

    async def version(self, project: str, reference: str) -> DatasetVersion:
        """What a reference means; see `resolve_dataset`. Raises DatasetNotFound."""
        return await self._database.read(
            lambda snapshot: resolve_dataset(snapshot, project, reference)
        )
