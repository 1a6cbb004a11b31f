"""Code snapshots: commits what was uploaded, answers what exists, forgets what nothing uses."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from pileus.core.schemas.code import (
    MAX_MANIFEST_BYTES,
    PREFIX,
    CodeManifest,
    CodeSnapshot,
    NewCode,
    code_id,
    read_manifest,
)
from pileus.core.schemas.tenancy import Caller
from pileus.metering.storage import StorageAccount
from pileus.registry.errors import CodeNotFound, CodeRefused
from pileus.registry.tables import CODE_SNAPSHOTS
from pileus.security.audit import AuditLog
from pileus.storage.blob import BlobStore, read_all
from pileus.storage.database import Database
from pileus.storage.errors import BlobNotFound
from pileus.storage.rows import Rows
from pileus.storage.transaction import Snapshot, Transaction

code_snapshots = Rows(CODE_SNAPSHOTS, CodeSnapshot)

_LATELY = timedelta(hours=1)
"""A snapshot that is asked for all the time is written this often."""


class CodeService:
    """Code snapshots of projects; none is ever changed."""

    def __init__(
        self, database: Database, audit: AuditLog, storage: StorageAccount, blobs: BlobStore
    ) -> None:
        self._database = database
        self._audit = audit
        self._storage = storage
        self._blobs = blobs

    async def commit(self, caller: Caller, new: NewCode) -> CodeSnapshot:
        """The snapshot of an uploaded manifest; the same content again is the one that is there.

        Raises CodeRefused, BlobNotFound.
        """
        content = await self._content(caller.project, new.manifest)
        manifest = await self._checked(caller.project, content)

        def work(transaction: Transaction) -> CodeSnapshot:
            known = code_snapshots.get(transaction, project=caller.project, id=code_id(content))
            if known is not None:
                return _used(transaction, known)
            diff = new.provenance.diff
            named = [new.manifest, manifest.pack, *([] if diff is None else [diff])]
            self._storage.claim(transaction, caller.project, named)
            made = code_snapshots.insert(
                transaction,
                CodeSnapshot(
                    id=code_id(content),
                    project=caller.project,
                    created_at=transaction.now,
                    manifest=new.manifest,
                    manifest_bytes=len(content),
                    pack=manifest.pack,
                    pack_bytes=manifest.size,
                    files=len(manifest.files),
                    diff_digest=diff,
                    provenance=new.provenance,
                    created_by=caller.principal,
                    used_at=transaction.now,
                ),
            )
            self._audit.append(transaction, caller, "create", "code_snapshot", made.id)
            return made

        return await self._database.write(work)

    async def use(self, caller: Caller, identifier: str) -> CodeSnapshot:
        """A snapshot, which stays for the grace of uploads at least. Raises CodeNotFound."""
        return await self._database.write(
            lambda transaction: _used(transaction, code_of(transaction, caller.project, identifier))
        )

    async def code(self, project: str, identifier: str) -> CodeSnapshot:
        """A snapshot of a project. Raises CodeNotFound."""
        return await self._database.read(lambda snapshot: code_of(snapshot, project, identifier))

    async def _content(self, project: str, digest: str) -> bytes:
        size = await self._blobs.size(project, digest)
        if size is not None and size > MAX_MANIFEST_BYTES:
            raise CodeRefused(
                f"Manifest {digest!r} has {size} bytes, more than {MAX_MANIFEST_BYTES}",
                hint="Leave files out with .gitignore.",
            )
        try:
            return await read_all(self._blobs, project, digest)
        except BlobNotFound as error:
            raise CodeRefused(
                f"Manifest {digest!r} was not uploaded", hint="Upload it as a blob first."
            ) from error

    async def _checked(self, project: str, content: bytes) -> CodeManifest:
        try:
            manifest = read_manifest(content)
        except ValueError as error:
            raise CodeRefused(f"The manifest is not one of a code snapshot: {error}") from error
        sizes = await self._storage.sizes(project, [manifest.pack])
        if sizes.get(manifest.pack) != manifest.size:
            raise CodeRefused(
                f"Pack {manifest.pack!r} of {manifest.size} bytes was not uploaded",
                hint="Upload the pack before the snapshot.",
            )
        return manifest


def code_of(snapshot: Snapshot, project: str, identifier: str) -> CodeSnapshot:
    """The snapshot of a project with this id. Raises CodeNotFound."""
    found = None
    if identifier.startswith(PREFIX):
        found = code_snapshots.get(snapshot, project=project, id=identifier)
    if found is None:
        raise CodeNotFound(identifier)
    return found


def unused_since(snapshot: Snapshot, before: datetime) -> list[CodeSnapshot]:
    """Snapshots of all projects that nobody asked for since then; jobs may still name them."""
    return code_snapshots.find(snapshot, [("used_at", "<", before)])


def forget(transaction: Transaction, gone: Collection[CodeSnapshot]) -> None:
    """Remove rows of snapshots; their blobs are collected like any that nothing names."""
    for one in gone:
        transaction.delete(CODE_SNAPSHOTS, [("project", "=", one.project), ("id", "=", one.id)])


def _used(transaction: Transaction, known: CodeSnapshot) -> CodeSnapshot:
    if transaction.now - known.used_at < _LATELY:
        return known
    return code_snapshots.swap(transaction, known.model_copy(update={"used_at": transaction.now}))
