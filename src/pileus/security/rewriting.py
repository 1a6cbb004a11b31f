"""In the background: takes blobs and secrets of projects over to their current keys.

What is to be done is in rows, and what is left of it in the files, so a kill costs nothing but time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from pileus.core.errors import PileusError
from pileus.core.failpoints import failpoint
from pileus.core.schemas.keys import BlobRewrite, Purpose
from pileus.security.keyring import ProjectKeyring, keys_of
from pileus.security.secrets import reseal
from pileus.security.store import blob_rewrites, project_keys
from pileus.storage.blobs.keyring import ProjectKeys
from pileus.storage.blobs.rewriting import BlobRewriter, Progress
from pileus.storage.database import Database
from pileus.storage.errors import Stale
from pileus.storage.transaction import Transaction

log = logging.getLogger(__name__)

RESCUE_SECONDS = 60.0
"""A wish that nobody told of, or that failed for want of room, is taken up after this long."""


class Rewriting:
    """One loop over the projects that wait for it."""

    def __init__(self, database: Database, keyring: ProjectKeyring, blobs: BlobRewriter) -> None:
        self._database = database
        self._keyring = keyring
        self._blobs = blobs
        self._asked = asyncio.Event()
        self._progress: dict[str, Progress] = {}

    def wake(self) -> None:
        """There is something to do."""
        self._asked.set()

    def progress(self, project: str) -> Progress | None:
        """How far the rewriting of a project is; None when it is not running here."""
        return self._progress.get(project)

    async def census(self, project: str) -> dict[str, int]:
        """How many blobs rest under each key."""
        return await self._blobs.census(project)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._asked.clear()
            await self.work()
            try:
                await asyncio.wait_for(self._asked.wait(), RESCUE_SECONDS)
            except TimeoutError:
                continue

    async def work(self) -> None:
        """One round over what waits."""
        waiting = await self._database.read(
            lambda snapshot: blob_rewrites.find(
                snapshot, [("finished_at", "=", None)], order=["requested_at"]
            )
        )
        for wish in waiting:
            await self._guarded(f"Blobs of project {wish.project!r}", self._rewrite(wish))

    async def _rewrite(self, wish: BlobRewrite) -> None:
        project = wish.project
        progress = self._progress[project] = Progress()
        try:
            keys = await self._keyring.ensure(project)
            await self._blobs.rewrite(
                project,
                keys,
                progress,
                lambda found: log.error("Blob %r of project %r is damaged", found.name, project),
            )
            failpoint("project_blobs.rewritten")
            await self._database.write(
                lambda transaction: _finish(transaction, wish, keys, progress)
            )
        except Stale:
            self.wake()  # it was asked for again meanwhile, perhaps for another key
        finally:
            del self._progress[project]

    @staticmethod
    async def _guarded(what: str, work: Awaitable[None]) -> None:
        try:
            await work
        except PileusError as error:
            log.warning("%s: %s; it is tried again", what, error.message)
        except Exception:
            log.exception("%s: this round failed; it is tried again", what)


def _finish(
    transaction: Transaction, wish: BlobRewrite, keys: ProjectKeys, progress: Progress
) -> None:
    """Raises Stale when the wish was renewed meanwhile."""
    done = {"finished_at": transaction.now, "done": progress.done, "failed": progress.failed}
    blob_rewrites.swap(transaction, wish.model_copy(update=done))
    reseal(transaction, wish.project, keys)
    if progress.failed:
        return  # a damaged blob may still be read in part, or be restored
    for row in keys_of(transaction, wish.project):
        is_old = row.id in keys.data and row.id != keys.current
        if row.purpose is Purpose.DATA and is_old and row.retired_at is None:
            project_keys.swap(transaction, row.model_copy(update={"retired_at": transaction.now}))
