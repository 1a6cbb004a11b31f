"""Blobs as files that bear their digest and hold the plain bytes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from pileus.storage.blobs.files import BlobFiles
from pileus.storage.blobs.naming import check_digest, not_found
from pileus.storage.blobs.receiving import Plain, announced, receive, write_hashed

CHUNK_BYTES = 1024 * 1024


class DiskBlobStore:
    """A directory of blobs, which servers may share."""

    def __init__(self, root: Path) -> None:
        self._files = BlobFiles(root)

    async def start(self) -> None:
        await asyncio.to_thread(self._files.start)

    async def put(self, project: str, digest: str, chunks: AsyncIterator[bytes]) -> int:
        check_digest(digest)
        with self._files.draft(project, digest) as draft:
            return await receive(draft, chunks, Plain(), announced(digest))

    async def put_hashed(self, project: str, digest: str, parts: Iterator[memoryview]) -> int:
        check_digest(digest)
        return await write_hashed(partial(self._files.draft, project, digest), parts, Plain())

    async def put_bytes(self, project: str, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        if not await asyncio.to_thread(self._files.refresh, project, digest):
            await self.put_hashed(project, digest, iter([memoryview(data)]))
        return digest

    async def get(self, project: str, digest: str, start: int = 0) -> AsyncIterator[bytes]:
        check_digest(digest)
        file = await asyncio.to_thread(self._files.open, project, digest)
        if file is None:
            raise not_found(digest)
        with file:
            file.seek(start)
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk

    async def size(self, project: str, digest: str) -> int | None:
        check_digest(digest)
        return await asyncio.to_thread(self._files.size, project, digest)

    async def delete(self, project: str, digest: str) -> None:
        check_digest(digest)
        await asyncio.to_thread(self._files.delete, project, digest)

    async def sweep(self, project: str, keep: Collection[str], before: datetime) -> int:
        keeps = frozenset(keep).__contains__
        return await asyncio.to_thread(self._files.sweep, project, keeps, before.timestamp())
