"""Takes a stream into a draft: hashed, encoded and written off the event loop, a batch at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from pileus.storage.blobs.files import Draft
from pileus.storage.blobs.naming import mismatch

BATCH_BYTES = 1024 * 1024
"""So much for one hop to a thread; a hop costs about 0.1 ms."""


class Encoding(Protocol):
    """How the bytes of a blob become the bytes of its file."""

    def update(self, data: bytes) -> bytes | bytearray: ...

    def finish(self) -> bytes | bytearray: ...


class Plain:
    """As they are."""

    def update(self, data: bytes) -> bytes:
        return data

    def finish(self) -> bytes:
        return b""


def announced(digest: str) -> Callable[[str], None]:
    """A check that the bytes are those that were announced. It raises BlobMismatch."""

    def check(found: str) -> None:
        if found != digest:
            raise mismatch(digest, found)

    return check


async def receive(
    draft: Draft,
    chunks: AsyncIterator[bytes],
    encoding: Encoding,
    check: Callable[[str], None],
    modified_at: float | None = None,
) -> int:
    """Write a stream and keep the draft unless `check` of its SHA-256 raises; its size.

    Raises what `check` does, and StorageFull; then nothing is left.
    """
    hasher, size = hashlib.sha256(), 0
    batch: list[bytes] = []
    held = 0

    def take(parts: list[bytes]) -> None:
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        hasher.update(data)
        draft.write(encoding.update(data))

    def finish(parts: list[bytes]) -> None:
        take(parts)
        check(hasher.hexdigest())
        draft.write(encoding.finish())
        draft.keep(modified_at)

    async for chunk in chunks:
        batch.append(chunk)
        held += len(chunk)
        size += len(chunk)
        if held >= BATCH_BYTES:
            await asyncio.to_thread(take, batch)
            batch, held = [], 0
    await asyncio.to_thread(finish, batch)
    return size


async def once(data: bytes) -> AsyncIterator[bytes]:
    """A stream of one chunk."""
    yield data
