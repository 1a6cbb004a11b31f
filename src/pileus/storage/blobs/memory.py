"""Blobs in a dictionary, for tests."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Collection, Iterator
from datetime import datetime

from pileus.core.clock import Clock, SystemClock
from pileus.storage.blobs.naming import check_digest, check_project, mismatch, not_found

CHUNK_BYTES = 64 * 1024


class MemoryBlobStore:
    """Gone with the object."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._blobs: dict[tuple[str, str], bytes] = {}
        self._written: dict[tuple[str, str], datetime] = {}

    async def start(self) -> None:
        return

    async def put(self, project: str, digest: str, chunks: AsyncIterator[bytes]) -> int:
        _check(project, digest)
        data = b"".join([chunk async for chunk in chunks])
        found = hashlib.sha256(data).hexdigest()
        if found != digest:
            raise mismatch(digest, found)
        self._set(project, digest, data)
        return len(data)

    async def put_hashed(self, project: str, digest: str, parts: Iterator[memoryview]) -> int:
        _check(project, digest)
        self._set(project, digest, b"".join(bytes(part) for part in parts))
        return len(self._blobs[project, digest])

    async def put_bytes(self, project: str, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        _check(project, digest)
        self._set(project, digest, bytes(data))
        return digest

    async def get(self, project: str, digest: str, start: int = 0) -> AsyncIterator[bytes]:
        _check(project, digest)
        data = self._blobs.get((project, digest))
        if data is None:
            raise not_found(digest)
        for at in range(start, len(data), CHUNK_BYTES):
            yield data[at : at + CHUNK_BYTES]

    async def size(self, project: str, digest: str) -> int | None:
        _check(project, digest)
        data = self._blobs.get((project, digest))
        return None if data is None else len(data)

    async def delete(self, project: str, digest: str) -> None:
        _check(project, digest)
        self._blobs.pop((project, digest), None)

    async def sweep(self, project: str, keep: Collection[str], before: datetime) -> int:
        check_project(project)
        kept = frozenset(keep)
        gone = [
            (owner, digest)
            for owner, digest in self._blobs
            if owner == project and digest not in kept and self._written[owner, digest] < before
        ]
        for key in gone:
            del self._blobs[key]
        return len(gone)

    def _set(self, project: str, digest: str, data: bytes) -> None:
        self._blobs[project, digest] = data
        self._written[project, digest] = self._clock.now()


def _check(project: str, digest: str) -> None:
    check_project(project)
    check_digest(digest)
