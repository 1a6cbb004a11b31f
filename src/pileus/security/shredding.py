"""Destroys the keys of a project: from then on its blobs and secrets are noise, in every copy."""

from __future__ import annotations

from pileus.core.failpoints import failpoint
from pileus.core.ids import NewId
from pileus.core.schemas.keys import ProjectKey, Purpose
from pileus.security.keyring import ProjectKeyring, keys_of, shredded_projects
from pileus.security.store import blob_rewrites, project_keys, secrets
from pileus.storage.blobs.rewriting import BlobRewriter
from pileus.storage.database import Database
from pileus.storage.traces import Traces
from pileus.storage.transaction import Transaction


class Shredder:
    """First the rows, in one transaction; then the files and what else still tells of the keys."""

    def __init__(
        self,
        database: Database,
        new_id: NewId,
        keyring: ProjectKeyring,
        blobs: BlobRewriter,
        traces: Traces,
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._keyring = keyring
        self._blobs = blobs
        self._traces = traces

    async def shred(self, project: str) -> None:
        """Destroy keys and blobs of a project. Repeating it changes nothing."""
        await self._database.write(lambda transaction: self.destroy(transaction, project))
        await self.clean(project)

    def destroy(self, transaction: Transaction, project: str) -> int:
        """The keys of a project exist no more; how many did."""
        rows = keys_of(transaction, project)
        if rows and all(row.shredded_at is not None for row in rows):
            return 0
        if not rows:  # nothing was encrypted; the row refuses what comes from now on
            rows = [project_keys.insert(transaction, self._tombstone(transaction, project))]
        for row in rows:
            gone = {"wrapped": None, "shredded_at": transaction.now}
            project_keys.swap(transaction, row.model_copy(update=gone))
        transaction.delete(secrets.table, [("project", "=", project)])
        wish = blob_rewrites.get(transaction, project=project)
        if wish is not None and wish.finished_at is None:
            done = wish.model_copy(update={"finished_at": transaction.now})
            blob_rewrites.swap(transaction, done)
        return len(rows)

    async def clean(self, project: str) -> int:
        """Remove the blobs of a shredded project and the traces of its keys; how many blobs."""
        failpoint("project_key.shredded")
        self._keyring.forget()
        count = await self._blobs.erase(project)
        failpoint("project_blobs.erased")
        await self._traces.clear(project)
        return count

    async def finish(self) -> None:
        """Clean once more whatever was shredded: a kill may have come before the end."""
        for project in await self._database.read(shredded_projects):
            await self.clean(project)

    def _tombstone(self, transaction: Transaction, project: str) -> ProjectKey:
        return ProjectKey(
            id=self._new_id("key"),
            project=project,
            created_at=transaction.now,
            purpose=Purpose.DATA,
            wrapped=None,
            master="",
        )
