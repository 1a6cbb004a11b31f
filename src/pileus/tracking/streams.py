"""Streams of attempts: appended by offset into files while they run, a blob once they ended.

Appending is idempotent: bytes that are there already are ignored, and the answer says where the
stream ends, so a worker that crashed or a request that was sent twice does no harm.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from pileus.storage.blob import BlobStore, read_all
from pileus.storage.database import Database
from pileus.storage.errors import StorageFull
from pileus.storage.transaction import Transaction
from pileus.tracking.errors import StreamGap, StreamUnknown
from pileus.tracking.tables import STREAMS

NAMES = ("stdout", "stderr", "metrics")
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

    async def append(self, attempt: str, name: str, offset: int, data: bytes) -> int:
        """Append `data` that belongs at `offset`; where the stream now ends.

        Raises StreamUnknown, StreamGap, StorageFull.
        """
        path = self._path(attempt, name)
        return await asyncio.to_thread(_append, path, offset, data)

    async def read(self, project: str, attempt: str, name: str, offset: int) -> Chunk:
        """At most READ_BYTES from `offset`."""
        path = self._path(attempt, name)
        live = await asyncio.to_thread(_read, path, offset)
        if live is not None:
            return Chunk(live, offset + len(live), is_final=False)
        record = await self._database.read(
            lambda snapshot: snapshot.get(STREAMS, attempt=attempt, name=name)
        )
        if record is None or record["project"] != project:
            return Chunk(b"", offset, is_final=False)
        if record["digest"] is None or offset >= record["size"]:
            return Chunk(b"", offset, is_final=True)
        whole = await read_all(self._blobs, project, record["digest"])
        data = whole[offset : offset + READ_BYTES]
        return Chunk(data, offset + len(data), is_final=offset + len(data) >= len(whole))

    async def lines(self, project: str, attempt: str, name: str) -> bytes:
        """A whole stream."""
        parts: list[bytes] = []
        offset = 0
        while True:
            chunk = await self.read(project, attempt, name, offset)
            parts.append(chunk.data)
            offset = chunk.next_offset
            if chunk.is_final or not chunk.data:
                return b"".join(parts)

    async def seal(self, project: str, attempt: str) -> list[Sealed]:
        """Store the streams of an ended attempt as blobs; the files stay until `drop`."""
        sealed = []
        for name in NAMES:
            path = self._path(attempt, name)
            if await asyncio.to_thread(path.exists):
                data = await asyncio.to_thread(path.read_bytes)
                digest = await self._blobs.put_bytes(project, data) if data else ""
                sealed.append(Sealed(name, len(data), digest))
        return sealed

    async def drop(self, attempt: str) -> None:
        """Remove the files of an attempt whose streams are sealed and recorded."""
        await asyncio.to_thread(self._drop, attempt)

    def _drop(self, attempt: str) -> None:
        for name in NAMES:
            self._path(attempt, name).unlink(missing_ok=True)
        directory = self._root / attempt
        if directory.exists():
            directory.rmdir()

    def _path(self, attempt: str, name: str) -> Path:
        if name not in NAMES:
            raise StreamUnknown(name)
        return self._root / attempt / name


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
            end = file.tell()
            if offset > end:
                raise StreamGap(
                    f"Offset {offset} is beyond the end of {path.name!r}, which is {end}",
                    hint=f"Send the bytes from offset {end}.",
                )
            new = data[end - offset :]
            file.write(new)
            return end + len(new)
    except OSError as error:
        raise StorageFull(
            f"Stream {path.name!r} could not be written: {error.strerror}",
            hint="Free disk space; the worker sends the bytes again.",
        ) from error


def _read(path: Path, offset: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(READ_BYTES)
    except FileNotFoundError:
        return None
