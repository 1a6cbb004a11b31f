"""
Takes a stream into a draft: hashed, encoded and written off the event loop, a batch at a time.

The next batch is received while one is worked on. Small chunks are collected in two buffers that take
turns, because a fresh one for each mebibyte costs more in page faults than encrypting it does.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol

from pileus.storage.blobs.files import Draft
from pileus.storage.blobs.naming import mismatch

BATCH_BYTES = 1024 * 1024
"""So much for one hop to a thread; a hop costs about 0.1 ms."""


class Encoding(Protocol):
    """How the bytes of a blob become the bytes of its file."""

    def update(self, data: memoryview) -> memoryview:
        """What `data` becomes; it may be overwritten by the next call."""
        ...

    def finish(self) -> memoryview: ...


class Plain:
    """As they are."""

    def update(self, data: memoryview) -> memoryview:
        return data

    def finish(self) -> memoryview:
        return memoryview(b"")


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

    A large chunk is worked on while the next is asked for: nobody may write over it.
    Raises what `check` does, and StorageFull; then nothing is left.
    """
    hasher, size = hashlib.sha256(), 0

    def take(data: memoryview) -> None:
        hasher.update(data)
        draft.write(encoding.update(data))

    def finish(data: memoryview) -> None:
        take(data)
        check(hasher.hexdigest())
        draft.write(encoding.finish())
        draft.keep(modified_at)

    loop = asyncio.get_running_loop()
    filling, working = _Buffer(), _Buffer()
    taking: asyncio.Future[None] | None = None
    try:
        async for chunk in chunks:
            size += len(chunk)
            rest = memoryview(chunk)
            while rest:
                if filling.size or len(rest) < BATCH_BYTES:
                    rest = filling.add(rest)
                    if not filling.is_full:
                        continue
                    batch = filling.content()
                    filling, working = working, filling
                else:  # a batch as it came: a file is read in such pieces
                    batch, rest = rest[:BATCH_BYTES], rest[BATCH_BYTES:]
                if taking is not None:
                    await taking
                taking = loop.run_in_executor(None, take, batch)
                filling.size = 0
        if taking is not None:
            await taking
        taking = loop.run_in_executor(None, finish, filling.content())
        await taking
    finally:
        # Nothing may write to the draft when it is closed, nor place it when it is given up.
        if taking is not None and not taking.done():
            await asyncio.wait([taking])
    return size


async def write_hashed(
    begin: Callable[[], Draft], parts: Iterator[memoryview], encoding: Encoding
) -> int:
    """Write what needs no check, and keep it; its size. Who is cancelled waits until the thread ends.

    Raises StorageFull; then nothing is left.
    """

    def write() -> int:
        size = 0
        with begin() as draft:
            for part in parts:
                size += len(part)
                draft.write(encoding.update(part))
            draft.write(encoding.finish())
            draft.keep()
        return size

    writing = asyncio.get_running_loop().run_in_executor(None, write)
    try:
        return await asyncio.shield(writing)
    finally:
        if not writing.done():
            await asyncio.wait([writing])


class _Buffer:
    """Bytes of a batch; memory is taken as it fills, for most blobs are small."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.size = 0

    @property
    def is_full(self) -> bool:
        return self.size == BATCH_BYTES

    def add(self, data: memoryview) -> memoryview:
        """Take what there is room for; the rest."""
        end = min(self.size + len(data), BATCH_BYTES)
        taken = end - self.size
        self._data[self.size : end] = data[:taken]
        self.size = end
        return data[taken:]

    def content(self) -> memoryview:
        """What it holds, until it is filled anew."""
        return memoryview(self._data)[: self.size]


async def once(data: bytes) -> AsyncIterator[bytes]:
    """A stream of one chunk."""
    yield data
