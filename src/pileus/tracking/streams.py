"""Streams of attempts: appended by offset into files while they run, a blob once they ended.

Appending is idempotent: bytes that are there already are ignored, and the answer says where the
stream ends, so a worker that crashed or a request that was sent twice does no harm.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from pileus.core.failpoints import failpoint
from pileus.core.stamps import SUFFIX
from pileus.storage.blob import BlobStore
from pileus.storage.database import Database
from pileus.storage.mounts import is_local
from pileus.storage.transaction import Record, Transaction
from pileus.tracking import live
from pileus.tracking.errors import StreamUnknown
from pileus.tracking.live import READ_BYTES
from pileus.tracking.quota import Gap, gap_of, gap_of_times
from pileus.tracking.tables import STREAMS

LOGS = ("stdout", "stderr")
TIMES = tuple(f"{name}{SUFFIX}" for name in LOGS)
NAMES = (*LOGS, *TIMES, "metrics")


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
    gap: Gap | None = None
    """What the blob lacks of it."""

    @property
    def stored(self) -> int:
        """Bytes of the blob."""
        return self.size - (self.gap.size if self.gap else 0)


class StreamStore:
    """Live streams under `root`, ended ones in blobs."""

    def __init__(
        self, root: Path, database: Database, blobs: BlobStore, log_bytes: int = 256 * 1024 * 1024
    ) -> None:
        """Of a log at most `log_bytes` are kept, and while it grows not much more."""
        self._root = root
        self._database = database
        self._blobs = blobs
        self._log_bytes = log_bytes
        self._is_local = is_local(root)
        """Small pieces go to and come from a file in the event loop; over a network that would stop it."""

        self._growing: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        """Attempt → what those who wait for more of it hold."""

        self._appending: Counter[str] = Counter()
        """Attempt → how many appends to its streams are under way."""

    def growth(self, attempt: str) -> asyncio.Event:
        """Set at the next thing that this process does to the streams of an attempt."""
        return self._growing.setdefault(attempt, asyncio.Event())

    async def append(self, attempt: str, name: str, offset: int, data: bytes) -> int:
        """Append `data` that belongs at `offset`; where the stream now ends.

        Raises StreamUnknown, StreamGap, StorageFull.
        """
        path = self._path(attempt, name)
        most = self._log_bytes if name in LOGS else None
        self._appending[attempt] += 1
        try:
            end = live.append_at_once(path, offset, data, most) if self._is_local else None
            if end is None:
                end = await asyncio.to_thread(live.append, path, offset, data, most)
        finally:
            self._appending[attempt] -= 1
            if not self._appending[attempt]:
                del self._appending[attempt]
        self._tell(attempt)
        return end

    async def is_live(self, attempt: str, name: str) -> bool:
        """Whether anything of a stream has arrived and was not dropped."""
        path = self._path(attempt, name)
        return self._has_files(attempt) and await asyncio.to_thread(path.exists)

    async def live(self) -> list[str]:
        """Attempts of whose streams anything has arrived and was not dropped."""
        return await asyncio.to_thread(self._live)

    async def read(self, project: str, attempt: str, name: str, offset: int) -> Chunk:
        """At most READ_BYTES from `offset`."""
        path = self._path(attempt, name)
        # What is recorded comes first: a late append may have made a file again after the end.
        record = await self._sealed(attempt, name)
        if record is None:
            if self._is_local and live.is_small(path, offset):
                found = live.read(path, offset)
            else:
                found = await asyncio.to_thread(live.read, path, offset)
            if found is not None:
                return Chunk(*found, is_final=False)
            record = await self._sealed(attempt, name)  # it ended between the two
        if record is None or record["project"] != project:
            return Chunk(b"", offset, is_final=False)
        return await self._kept(record, offset)

    async def _kept(self, record: Record, offset: int) -> Chunk:
        """Of a stream that has ended. Offsets are those of the stream as it was written."""
        size, gap = int(record["size"]), _gap_in(record)
        if record["digest"] is None or offset >= size:
            return Chunk(b"", offset, is_final=True)
        if gap is not None and gap.start <= offset < gap.end:
            if record["name"] in TIMES:
                return await self._kept(record, gap.end)
            return Chunk(gap.text, gap.end, is_final=gap.end >= size)
        is_behind = gap is not None and offset >= gap.end
        at = offset - gap.size if gap is not None and is_behind else offset
        data = await self._part(record["project"], record["digest"], at)
        if gap is not None and not is_behind:
            data = data[: gap.start - offset]
        return Chunk(data, offset + len(data), is_final=offset + len(data) >= size)

    async def _sealed(self, attempt: str, name: str) -> Record | None:
        return await self._database.glance(
            lambda snapshot: snapshot.get(STREAMS, attempt=attempt, name=name)
        )

    async def _part(self, project: str, digest: str, offset: int) -> bytes:
        found = bytearray()
        async for chunk in self._blobs.get(project, digest, offset):
            found += chunk
            if len(found) >= READ_BYTES:
                break
        return bytes(found[:READ_BYTES])

    async def chunks(
        self, project: str, attempt: str, name: str, offset: int = 0
    ) -> AsyncIterator[tuple[int, Chunk]]:
        """What there is of a stream now, and where each part of it begins."""
        while (chunk := await self.read(project, attempt, name, offset)).data:
            yield offset, chunk
            offset = chunk.next_offset

    async def pieces(self, project: str, attempt: str, name: str) -> AsyncIterator[bytes]:
        """What there is of a stream now, at most READ_BYTES at a time."""
        async for _, chunk in self.chunks(project, attempt, name):
            yield chunk.data

    async def lines(self, project: str, attempt: str, name: str) -> bytes:
        """A whole stream."""
        return b"".join([piece async for piece in self.pieces(project, attempt, name)])

    async def seal(self, project: str, attempt: str) -> list[Sealed]:
        """Store the logs of an ended attempt as blobs; the files stay until `drop`."""
        sealed: list[Sealed] = []
        if not self._has_files(attempt):
            return sealed
        for path in await asyncio.to_thread(self._logs, attempt):
            async with live.unchanged(path):
                for one in await asyncio.to_thread(_measured, path, self._log_bytes):
                    await self._seal(project, path.with_name(one.name), one)
                    sealed.append(one)
        return sealed

    async def _seal(self, project: str, path: Path, stream: Sealed) -> None:
        if stream.size:
            # Also when it is there: what was just written is not collected as left over.
            parts = _kept_parts(path, stream.size, stream.gap)
            await self._blobs.put_hashed(project, stream.digest, parts)
        failpoint("stream.sealed")

    async def drop(self, attempt: str) -> None:
        """Remove the files of an attempt whose streams are sealed and recorded."""
        if self._has_files(attempt):
            await asyncio.to_thread(self._drop, attempt)
        self._tell(attempt)

    def _tell(self, attempt: str) -> None:
        growing = self._growing.pop(attempt, None)
        if growing is not None:
            growing.set()

    def _live(self) -> list[str]:
        return sorted(path.name for path in self._root.iterdir()) if self._root.is_dir() else []

    def _has_files(self, attempt: str) -> bool:
        """Or is about to. Most short attempts have none, and to look takes less than to hand it to a thread."""
        return attempt in self._appending or (self._root / attempt).is_dir()

    def _logs(self, attempt: str) -> list[Path]:
        return [path for name in LOGS if (path := self._path(attempt, name)).exists()]

    def _drop(self, attempt: str) -> None:
        for name in NAMES:
            live.remove(self._path(attempt, name))
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
                "gap_start": stream.gap.start if stream.gap else None,
                "gap_end": stream.gap.end if stream.gap else None,
                "gap_lines": stream.gap.lines if stream.gap else None,
            },
        )


def _measured(log: Path, log_bytes: int) -> list[Sealed]:
    """A log and its times, where it has any, as they will be kept."""
    gap = gap_of(log, log_bytes, live.gap_in(log))
    times = log.with_name(f"{log.name}{SUFFIX}")
    if not times.exists():
        return [_sealed(log, gap)]
    of_times = None if gap is None else gap_of_times(times, gap, live.gap_in(times))
    return [_sealed(log, gap), _sealed(times, of_times)]


def _gap_in(record: Record) -> Gap | None:
    if record["gap_start"] is None:
        return None
    return Gap(int(record["gap_start"]), int(record["gap_end"]), int(record["gap_lines"]))


def _sealed(path: Path, gap: Gap | None) -> Sealed:
    """A file as it is now."""
    hasher, size = hashlib.sha256(), path.stat().st_size
    for part in _kept_parts(path, size, gap):
        hasher.update(part)
    return Sealed(path.name, size, hasher.hexdigest() if size else "", gap)


def _kept_parts(path: Path, size: int, gap: Gap | None) -> Iterator[memoryview]:
    """What is kept of a file, in one buffer: each part is good until the next."""
    buffer = memoryview(bytearray(min(size, READ_BYTES)))
    with path.open("rb", buffering=0) as file:
        for start, end in [(0, size)] if gap is None else [(0, gap.start), (gap.end, size)]:
            file.seek(start)
            at = start
            while at < end and (count := file.readinto(buffer[: end - at])):
                yield buffer[:count]
                at += count
