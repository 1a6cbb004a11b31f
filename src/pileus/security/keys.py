"""The verbs of encryption at rest: list, rotate, rewrite, shred."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from pileus.core.failpoints import failpoint
from pileus.core.ids import NewId
from pileus.core.schemas.keys import BlobRewrite, ProjectKey, Purpose
from pileus.core.schemas.tenancy import Caller
from pileus.security.audit import AuditLog
from pileus.security.errors import EncryptionOff, NotConfirmed
from pileus.security.keyring import (
    UNSHREDDED,
    ProjectKeyring,
    current_of,
    keys_of,
    refuse_shredded,
    shredded_projects,
)
from pileus.security.master_key import MasterKeySource
from pileus.security.rewriting import Rewriting
from pileus.security.shredding import Shredder
from pileus.security.store import blob_rewrites, project_keys
from pileus.security.wrapping import KEY_BYTES
from pileus.storage.blobs.rewriting import Progress
from pileus.storage.database import Database
from pileus.storage.idempotency import Once
from pileus.storage.transaction import Snapshot, Transaction


@dataclass(frozen=True)
class Held:
    """The keys of a project, how many blobs rest under each, and the rewriting of them."""

    keys: list[ProjectKey]
    current: str | None
    census: dict[str, int]
    rewrite: BlobRewrite | None
    progress: Progress | None


@dataclass(frozen=True)
class MasterRotated:
    """A rotation of the master key."""

    before: str
    after: str
    keys: int
    kept_at: str | None
    """Where the old one is, for copies of the database from before."""


@dataclass(frozen=True)
class Shredded:
    """What was destroyed."""

    keys: int
    blobs: int


class KeyService:
    """Keys of projects, and the master key above them."""

    def __init__(
        self,
        database: Database,
        new_id: NewId,
        keyring: ProjectKeyring,
        source: MasterKeySource,
        audit: AuditLog,
        rewriting: Rewriting,
        shredder: Shredder,
        *,
        encrypts: bool,
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._keyring = keyring
        self._source = source
        self._audit = audit
        self._rewriting = rewriting
        self._shredder = shredder
        self._encrypts = encrypts
        self._rotating = asyncio.Lock()

    @property
    def encrypts(self) -> bool:
        """Whether new blobs are encrypted."""
        return self._encrypts

    @property
    def master(self) -> str | None:
        """Id of the master key; None when there is none."""
        return None if self._keyring.master is None else self._keyring.master.id

    async def held(self, project: str) -> Held:
        """Keys of a project with their use, oldest first. The keys themselves are not shown."""

        def work(snapshot: Snapshot) -> tuple[list[ProjectKey], BlobRewrite | None]:
            return keys_of(snapshot, project), blob_rewrites.get(snapshot, project=project)

        rows, rewrite = await self._database.read(work)
        is_readable = any(row.wrapped is not None for row in rows)
        return Held(
            keys=rows,
            current=current_of(rows).id if is_readable else None,
            census=await self._rewriting.census(project),
            rewrite=rewrite,
            progress=self._rewriting.progress(project),
        )

    async def shredded(self) -> set[str]:
        """Projects whose keys were destroyed."""
        return await self._database.read(shredded_projects)

    async def rotate(self, caller: Caller, once: Once | None, *, rewrite: bool) -> ProjectKey:
        """A new key for new blobs; old ones are read with theirs, until they are rewritten.

        Raises ProjectShredded, EncryptionOff.
        """
        self._check_encrypts()
        await self._keyring.ensure(caller.project)
        fresh = secrets.token_bytes(KEY_BYTES)

        def work(transaction: Transaction) -> ProjectKey:
            refuse_shredded(caller.project, keys_of(transaction, caller.project))
            made = once.made(transaction, caller.project) if once else None
            known = None if made is None else project_keys.get(transaction, id=made)
            if known is not None:
                return known
            row = self._keyring.insert(transaction, caller.project, Purpose.DATA, fresh)
            if once:
                once.remember(transaction, caller.project, row.id)
            if rewrite:
                self._ask(transaction, caller.project)
            self._audit.append(
                transaction, caller, "rotate", "project_key", row.id, rewrite=rewrite
            )
            return row

        row = await self._database.write(work)
        self._rewriting.wake()
        return row

    async def rewrite(self, caller: Caller) -> BlobRewrite:
        """Take every blob of the project over to its current key, in the background.

        Raises ProjectShredded, EncryptionOff.
        """
        self._check_encrypts()
        keys = await self._keyring.ensure(caller.project)

        def work(transaction: Transaction) -> BlobRewrite:
            refuse_shredded(caller.project, keys_of(transaction, caller.project))
            wish = self._ask(transaction, caller.project)
            self._audit.append(transaction, caller, "rewrite", "project_key", keys.current)
            return wish

        wish = await self._database.write(work)
        self._rewriting.wake()
        return wish

    async def rotate_master(self, caller: Caller) -> MasterRotated:
        """Wrap every project's keys with a new master key, in one transaction.

        The new key is on the disk before any row names it, and the old one until they all do.
        Raises EncryptionOff, MasterKeyRefused, MasterKeyUnavailable.
        """
        async with self._rotating:
            before = self._keyring.master
            if before is None:
                raise EncryptionOff(
                    "This installation has no master key", hint="Set encrypt_blobs of [security]."
                )
            after = await asyncio.to_thread(self._source.prepare, before)
            failpoint("master_key.prepared")

            def work(transaction: Transaction) -> int:
                rows = project_keys.find(transaction, UNSHREDDED)
                for row in rows:
                    project_keys.swap(transaction, after.wrap(row, before.unwrap(row)))
                self._audit.append(
                    transaction,
                    caller,
                    "rotate",
                    "master_key",
                    after.id,
                    before=before.id,
                    keys=len(rows),
                )
                return len(rows)

            self._keyring.expect(after)
            count = await self._database.write(work)
            failpoint("master_key.rewrapped")
            self._keyring.adopt(after)
            kept = await asyncio.to_thread(self._source.adopt, before)
            return MasterRotated(before.id, after.id, count, kept)

    async def shred(
        self, caller: Caller, confirm: str, also: Callable[[Transaction, str], None]
    ) -> Shredded:
        """Destroy the keys of the caller's project, and remove its blobs; not to be undone.

        `confirm` is the project's name. `also` belongs to the same transaction. Raises
        NotConfirmed.
        """
        if confirm != caller.project_name:
            raise NotConfirmed(
                f"{confirm!r} is not the name of the project {caller.project_name!r}",
                hint="Confirm with the project's name what cannot be undone.",
            )

        def work(transaction: Transaction) -> int:
            destroyed = self._shredder.destroy(transaction, caller.project)
            if destroyed:
                also(transaction, caller.project)
                self._audit.append(
                    transaction, caller, "shred", "project", caller.project, keys=destroyed
                )
            return destroyed

        count = await self._database.write(work)
        return Shredded(count, await self._shredder.clean(caller.project))

    def _ask(self, transaction: Transaction, project: str) -> BlobRewrite:
        wish = blob_rewrites.get(transaction, project=project)
        asked = {"requested_at": transaction.now, "finished_at": None, "done": 0, "failed": 0}
        if wish is not None:
            return blob_rewrites.swap(transaction, wish.model_copy(update=asked))
        return blob_rewrites.insert(
            transaction,
            BlobRewrite(
                id=self._new_id("brw"),
                project=project,
                created_at=transaction.now,
                requested_at=transaction.now,
            ),
        )

    def _check_encrypts(self) -> None:
        if not self._encrypts:
            raise EncryptionOff(
                "Blobs are not encrypted: encrypt_blobs of [security] is off",
                hint="Remove it from pileus.toml and restart.",
            )
