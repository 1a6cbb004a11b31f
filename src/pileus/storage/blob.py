"""Blobs: bytes named by their SHA-256, kept per project."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from datetime import datetime
from typing import Protocol


class BlobStore(Protocol):
    """Where bytes rest. `digest` is 64 hex digits; another form is a BlobMismatch."""

    async def start(self) -> None:
        """Make room, and collect what killed writers left."""
        ...

    async def put(self, project: str, digest: str, chunks: AsyncIterator[bytes]) -> int:
        """Store a stream whose SHA-256 must be `digest`; its size. Raises BlobMismatch."""
        ...

    async def put_hashed(self, project: str, digest: str, parts: Iterator[memoryview]) -> int:
        """Store what the caller has hashed, and what nobody changes meanwhile; its size.

        Reads, encodes and writes in one thread. A part may be overwritten when the next is asked for.
        """
        ...

    async def put_bytes(self, project: str, data: bytes) -> str:
        """Store `data`; its digest. What is there already counts as written now."""
        ...

    def get(self, project: str, digest: str, start: int = 0) -> AsyncIterator[bytes]:
        """The bytes from `start` in chunks. Raises BlobNotFound, BlobDamaged, ProjectShredded."""
        ...

    async def size(self, project: str, digest: str) -> int | None:
        """Bytes of a blob; None when there is none."""
        ...

    async def delete(self, project: str, digest: str) -> None:
        """Remove a blob; nothing happens when there is none."""
        ...

    async def sweep(self, project: str, keep: Collection[str], before: datetime) -> int:
        """Remove every blob of the project that is not in `keep` and was last written before
        `before`; how many."""
        ...


async def read_all(blobs: BlobStore, project: str, digest: str) -> bytes:
    """A small blob as a whole. Raises BlobNotFound."""
    return b"".join([chunk async for chunk in blobs.get(project, digest)])
