"""Profiles of dataset versions: which documents there are, numbered; the bytes are blobs."""

from __future__ import annotations

from dataclasses import dataclass

from pileus.core.ids import NewId
from pileus.core.schemas.registry import DatasetProfile
from pileus.core.schemas.tenancy import Caller
from pileus.metering.storage import StorageAccount
from pileus.registry.store import dataset_profiles, resolve_dataset
from pileus.security.audit import AuditLog
from pileus.storage.database import Database
from pileus.storage.transaction import Transaction, Where


@dataclass(frozen=True)
class ProfileDraft:
    """What a checked document says of a profile to be."""

    digest: str
    size_bytes: int
    schema_number: int
    profiler: int


def add_profile(
    transaction: Transaction,
    new_id: NewId,
    project: str,
    version: str,
    draft: ProfileDraft,
    created_by: str,
) -> tuple[DatasetProfile, bool]:
    """The profile of a version with this document, and whether it was made just now."""
    known = dataset_profiles.find(
        transaction, [("project", "=", project), ("version", "=", version)], order=["number"]
    )
    for profile in known:
        if profile.digest == draft.digest:
            return profile, False
    profile = dataset_profiles.insert(
        transaction,
        DatasetProfile(
            id=new_id("prf"),
            project=project,
            created_at=transaction.now,
            version=version,
            number=known[-1].number + 1 if known else 1,
            schema_number=draft.schema_number,
            profiler=draft.profiler,
            digest=draft.digest,
            size_bytes=draft.size_bytes,
            created_by=created_by,
        ),
    )
    return profile, True


class ProfileService:
    """Adds profiles to versions; none is ever changed."""

    def __init__(
        self, database: Database, new_id: NewId, audit: AuditLog, storage: StorageAccount
    ) -> None:
        self._storage = storage
        self._database = database
        self._new_id = new_id
        self._audit = audit

    async def commit(self, caller: Caller, version: str, draft: ProfileDraft) -> DatasetProfile:
        """Make the profile visible; the same document again is the same profile.

        Raises DatasetNotFound.
        """

        def work(transaction: Transaction) -> DatasetProfile:
            found = resolve_dataset(transaction, caller.project, version)
            return self.add(transaction, caller, found.id, draft)

        return await self._database.write(work)

    def add(
        self, transaction: Transaction, caller: Caller, version: str, draft: ProfileDraft
    ) -> DatasetProfile:
        """As `commit`, in the caller's transaction, for a version that is there.

        Raises BlobNotFound when the document was collected since it was uploaded.
        """
        self._storage.claim(transaction, caller.project, [draft.digest])
        found, is_new = add_profile(
            transaction, self._new_id, caller.project, version, draft, caller.principal
        )
        if is_new:
            self._audit.append(
                transaction, caller, "create", "dataset_profile", found.id, version=version
            )
        return found

    async def profiles(
        self, project: str, version: str, where: Where = (), *, limit: int | None = None
    ) -> list[DatasetProfile]:
        """Profiles of a version by its id, first to last."""
        return await self._database.read(
            lambda snapshot: dataset_profiles.find(
                snapshot,
                [("project", "=", project), ("version", "=", version), *where],
                order=["number"],
                limit=limit,
            )
        )
