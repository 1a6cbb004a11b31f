"""Streams of attempts: appended by offset into files while they run, a blob once they ended.

Appending is idempotent: bytes that are there already are ignored, and the answer says where the
stream ends, so a worker that crashed or a request that was sent twice does no harm.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from pileus.core.failpoints import failpoint
from pileus.storage.blob import BlobStore
from pileus.storage.database import Database
from pileus.storage.errors import StorageFull
from pileus.storage.transaction import Record, Transaction
from pileus.tracking.errors import StreamGap, StreamUnknown
from pileus.tracking.tables import STREAMS

LOGS = ("stdout", "stderr")
NAMES = (*LOGS, "metrics")
READ_BYTES = 1024 * 1024
"""At most this much of a stream in one answer."""


@dataclass(frozen=True)
class Chunk:
    """Part of a stream: where the next one starts, and whether there can be one."""

    data: bytes
    next_offset: int
    is_final: bool


@dataclass(frozen=True)
class Sealed:
    """A stream that has become a blob."""

    name: str
    size: int
    digest: str


class StreamStore:
    """Live streams under `root`, ended ones in blobs."""

    def __init__(self, root: Path, database: Database, blobs: BlobStore) -> None:
        self._root = root
        self._database = database
        self._blobs = blobs
        self._growing: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        """Attempt → what those who wait for more of it hold."""

    def growth(self, attempt: str) -> asyncio.Event:
        """Set at the next thing that this process does to the streams of an attempt."""
        return self._growing.setdefault(attempt, asyncio.Event())

    async def append(self, attempt: str, name: str, offset: int, data: bytes) -> int:
        """Append `data` that belongs at `offset`; where the stream now ends.

        Raises StreamUnknown, StreamGap, StorageFull.
        """
        path = self._path(attempt, name)
        end = await asyncio.to_thread(_append, path, offset, data)
        self._tell(attempt)
        return end

    async def read(self, project: str, attempt: str, name: str, offset: int) -> Chunk:
        """At most READ_BYTES from `offset`."""
        path = self._path(attempt, name)
        # What is recorded comes first: a late append may have made a file again after the end.
        record = await self._sealed(attempt, name)
        if record is None:
            live = await asyncio.to_thread(_read, path, offset)
            if live is not None:
                return Chunk(live, offset + len(live), is_final=False)
            record = await self._sealed(attempt, name)  # it ended between the two
        if record is None or record["project"] != project:
            return Chunk(b"", offset, is_final=False)
        size = int(record["size"])
        data = b""
        if record["digest"] is not None and offset < size:
            data = await self._part(project, record["digest"], offset)
        return Chunk(data, offset + len(data), is_final=offset + len(data) >= size)

    async def _sealed(self, attempt: str, name: str) -> Record | None:
        return await self._database.read(
            lambda snapshot: snapshot.get(STREAMS, attempt=attempt, name=name)
        )

    async def _part(self, project: str, digest: str, offset: int) -> bytes:
        found = bytearray()
        async for chunk in self._blobs.get(project, digest, offset):
            found += chunk
            if len(found) >= READ_BYTES:
                break
        return bytes(found[:READ_BYTES])

    async def pieces(self, project: str, attempt: str, name: str) -> AsyncIterator[bytes]:
        """What there is of a stream now, at most READ_BYTES at a time."""
        offset = 0
        while (chunk := await self.read(project, attempt, name, offset)).data:
            yield chunk.data
            offset = chunk.next_offset

    async def lines(self, project: str, attempt: str, name: str) -> bytes:
        """A whole stream."""
        return b"".join([piece async for piece in self.pieces(project, attempt, name)])

    async def seal(self, project: str, attempt: str) -> list[Sealed]:
        """Store the logs of an ended attempt as blobs; the files stay until `drop`."""
        sealed = []
        for name in LOGS:
            path = self._path(attempt, name)
            if not await asyncio.to_thread(path.exists):
                continue
            digest, size = await asyncio.to_thread(_digest, path)
            if size:
                # Also when it is there: what was just written is not collected as left over.
                await self._blobs.put(project, digest, _chunks(path, size))
            failpoint("stream.sealed")
            sealed.append(Sealed(name, size, digest if size else ""))
        return sealed

    async def drop(self, attempt: str) -> None:
        """Remove the files of an attempt whose streams are sealed and recorded."""
        await asyncio.to_thread(self._drop, attempt)
        self._tell(attempt)

    def _tell(self, attempt: str) -> None:
        growing = self._growing.pop(attempt, None)
        if growing is not None:
            growing.set()

    def _drop(self, attempt: str) -> None:
        for name in NAMES:
            self._path(attempt, name).unlink(missing_ok=True)
        with suppress(OSError):  # there is none, or a late append has just written to it
            (self._root / attempt).rmdir()

    def _path(self, attempt: str, name: str) -> Path:
        check_name(name)
        return self._root / attempt / name


def check_name(name: str) -> None:
    """Raises StreamUnknown for a stream that no attempt has."""
    if name not in NAMES:
        raise StreamUnknown(name)


def record_sealed(
    transaction: Transaction, project: str, attempt: str, sealed: list[Sealed]
) -> None:
    """Note, in the transaction that ends the attempt, where its streams are."""
    for stream in sealed:
        transaction.put(
            STREAMS,
            {
                "attempt": attempt,
                "name": stream.name,
                "project": project,
                "size": stream.size,
                "digest": stream.digest or None,
            },
        )


def _append(path: Path, offset: int, data: bytes) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("ab") as file:
            # The same bytes may come twice at once: a client that gave up, and its repetition.
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            if offset > end:
                raise StreamGap(
                    f"Offset {offset} is beyond the end of {path.name!r}, which is {end}",
                    hint=f"Send the bytes from offset {end}.",
                )
            new = data[end - offset :]
            file.write(new)
            file.flush()
            return end + len(new)
    except OSError as error:
        raise StorageFull(
            f"Stream {path.name!r} could not be written: {error.strerror}",
            hint="Free disk space; the worker sends the bytes again.",
        ) from error


def _digest(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file as it is now."""
    hasher, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while data := file.read(READ_BYTES):
            hasher.update(data)
            size += len(data)
    return hasher.hexdigest(), size


async def _chunks(path: Path, size: int) -> AsyncIterator[bytes]:
    offset = 0
    while offset < size:
        data = await asyncio.to_thread(_read, path, offset)
        data = (data or b"")[: size - offset]
        if not data:
            return
        yield data
        offset += len(data)


def _read(path: Path, offset: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(READ_BYTES)
    except FileNotFoundError:
        return None
