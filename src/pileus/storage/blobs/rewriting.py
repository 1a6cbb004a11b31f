"""Takes the stored blobs of a project over to its current key, one file after the other.

Each is replaced by rename, so a kill leaves it as it was or as it should be. Nothing but the files
themselves tells which are left, so whoever repeats it goes on where it was stopped.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pileus.core.errors import PileusError
from pileus.core.failpoints import failpoint
from pileus.storage.blobs.encrypted import SUFFIX, hopping, opened_parts, plain_parts, stored_name
from pileus.storage.blobs.files import BlobFiles, Found
from pileus.storage.blobs.keyring import ProjectKeys
from pileus.storage.blobs.naming import damaged, not_found
from pileus.storage.blobs.receiving import announced, receive
from pileus.storage.blobs.sealing import Place, Sealer, read_header
from pileus.storage.errors import BlobDamaged, BlobNotFound, BlobsHeld, StorageFull

PLAIN = ""
"""In a census, the key of blobs that are not encrypted."""

UNREADABLE = "?"
"""In a census, the key of blobs whose header is damaged."""


@dataclass
class Progress:
    """How far a rewriting is, in blobs."""

    total: int = 0
    done: int = 0
    failed: int = 0


class BlobRewriter:
    """Over the same files as the store."""

    def __init__(self, files: BlobFiles, is_held: Callable[[], bool] = lambda: False) -> None:
        self._files = files
        self._is_held = is_held

    async def census(self, project: str) -> dict[str, int]:
        """How many blobs rest under each key."""
        return await asyncio.to_thread(
            lambda: dict(Counter(key for _, key in self._by_key(project)))
        )

    async def rewrite(
        self, project: str, keys: ProjectKeys, progress: Progress, failed: Callable[[Found], None]
    ) -> None:
        """Encrypt with the current key what is not yet.

        A blob that is damaged is told to `failed` and stays as it is. Raises StorageFull, and
        BlobsHeld while a backup copies blobs: rows it has read know nothing of the new key.
        """
        stale = await asyncio.to_thread(
            lambda: [found for found, key in self._by_key(project) if key != keys.current]
        )
        progress.total = len(stale)
        for found in stale:
            if self._is_held():
                raise BlobsHeld("A backup is being taken", hint="It goes on after that by itself.")
            try:
                await self._renew(project, keys, found)
            except BlobNotFound:
                progress.total -= 1  # it was deleted meanwhile
            except StorageFull:
                raise
            except PileusError:
                progress.failed += 1
                failed(found)
            else:
                progress.done += 1

    async def erase(self, project: str) -> int:
        """Remove every blob of a project, readable or not; how many."""
        return await asyncio.to_thread(self._erase, project)

    async def _renew(self, project: str, keys: ProjectKeys, found: Found) -> None:
        is_plain = not found.name.endswith(SUFFIX)
        name = stored_name(keys, found.name) if is_plain else found.name
        file = await asyncio.to_thread(self._files.open, project, found.name)
        if file is None:
            raise not_found(found.name)
        matches = announced(found.name) if is_plain else _named(keys, found.name)

        def check(digest: str) -> None:
            matches(digest)
            if not found.path.exists():  # a file must not come back after it was deleted
                raise not_found(found.name)

        with file:
            if is_plain:
                parts = plain_parts(file)
            else:
                parts = opened_parts(file, keys, Place(project, name))
            # The age of a blob is how long garbage collection has to leave it alone.
            modified_at = os.fstat(file.fileno()).st_mtime
            sealer = Sealer(keys.current, keys.key(keys.current), Place(project, name))
            with self._files.draft(project, name) as draft:
                await receive(draft, hopping(parts), sealer, check, modified_at)
        if is_plain:
            failpoint("blob.rewritten")
            await asyncio.to_thread(self._files.delete, project, found.name)

    def _by_key(self, project: str) -> Iterator[tuple[Found, str]]:
        for found in self._files.found(project):
            if not found.name.endswith(SUFFIX):
                yield found, PLAIN
                continue
            file = self._files.open(project, found.name)
            if file is None:
                continue
            with file:
                try:
                    yield found, read_header(file, found.name).key_id
                except BlobDamaged:
                    yield found, UNREADABLE

    def _erase(self, project: str) -> int:
        count = 0
        for found in self._files.found(project):
            found.path.unlink(missing_ok=True)
            count += 1
        return count


def _named(keys: ProjectKeys, name: str) -> Callable[[str], None]:
    """A check that the bytes are those of the blob whose name this is. It raises BlobDamaged."""

    def check(digest: str) -> None:
        if stored_name(keys, digest) != name:
            raise damaged(name, f"its bytes have SHA-256 {digest!r}, which has another name")

    return check
