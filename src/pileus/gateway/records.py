"""
Descriptions of single predictions, appended to segments before the answer, without fsync.

A segment is a file in memory, of which a piece more is allocated whenever it is full: a call of the system
for each record would cost as much as all else that is done for it, and hand Python's lock around. What
is in it survives a kill. A record may be dropped when the disk is full; it is counted then. Money is in
`meters.py`.
"""

from __future__ import annotations

import errno
import logging
import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pileus.core.failpoints import failpoint
from pileus.core.ids import Ids
from pileus.gateway.files import private_directory, try_lock

if TYPE_CHECKING:
    from pileus.core.clock import Clock
    from pileus.gateway.boot import LaneBoot

log = logging.getLogger(__name__)

OPEN = ".open"
SEALED = ".sealed"

_LANE_SHIFT = 58
_SEGMENT_SHIFT = 32
_SEGMENT_LIMIT = 1 << 26


_PIECE_BYTES = 64 << 10
_NEWLINE = ord("\n")


@dataclass(slots=True)
class _Segment:
    number: int
    path: Path
    descriptor: int | None
    """None where it could not be opened: what belongs into it is dropped."""

    opened_at: float
    size: int = 0
    ids: int = 0
    room: int = 0
    memory: mmap.mmap | None = None

    def append(self, line: bytes) -> None:
        """Add a line, without its end. Raises OSError where there is no room for it."""
        start, end = self.size, self.size + len(line)
        memory = self.memory
        if memory is None or end >= self.room:
            memory = self._grow(end + 1)
        memory[start:end] = line
        # A kill in between leaves a line without an end, which is not taken for a record.
        memory[end] = _NEWLINE
        self.size = end + 1

    def close(self) -> None:
        """Give back what was allocated and not used."""
        if self.memory is not None:
            self.memory.close()
        if self.descriptor is not None:
            os.ftruncate(self.descriptor, self.size)
            os.close(self.descriptor)

    def _grow(self, size: int) -> mmap.mmap:
        if self.descriptor is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room = -(-size // _PIECE_BYTES) * _PIECE_BYTES
        # A sparse file would kill us with SIGBUS on a full disk.
        os.posix_fallocate(self.descriptor, 0, room)
        if self.memory is not None:
            self.memory.close()
        self.memory, self.room = mmap.mmap(self.descriptor, room), room
        return self.memory


class Records:
    """The open segments of this lane boot, one per project."""

    def __init__(
        self,
        directory: Path,
        boot: LaneBoot,
        clock: Clock,
        *,
        segment_bytes: int,
        segment_seconds: float,
    ) -> None:
        self.directory = private_directory(directory / f"{boot.lane:04x}-{boot.source}")
        # Held until we die, which tells the next boot that these segments are nobody's.
        self._lock = os.open(self.directory, os.O_RDONLY)
        try_lock(self._lock)
        self._lane = boot.lane << _LANE_SHIFT
        self._clock = clock
        self._ids = Ids(clock)
        self._segment_bytes = segment_bytes
        self._segment_seconds = segment_seconds
        self._segments: dict[str, _Segment] = {}
        self._next_number = 0
        self.dropped = 0
        """Records that found no room on the disk."""

        self._said = 0
        """Drops that were told of while there was room for a line of the log as well."""

    def next_id(self, project: str) -> str:
        """The id of the next prediction: it says where its record will be."""
        segment = self._segments.get(project) or self._open(project)
        bits = self._lane | segment.number << _SEGMENT_SHIFT | segment.ids
        segment.ids += 1
        return self._ids.with_bits("prd", bits)

    def append(self, project: str, line: bytes) -> None:
        """Add a record, a line without its end, under the id that was given last."""
        segment = self._segments.get(project) or self._open(project)
        try:
            segment.append(line)
        except OSError as error:
            if self.dropped == self._said:
                log.warning("records are being dropped: %s", error)
            self.dropped += 1
            return
        if self.dropped > self._said:
            self._say_drops()
        if segment.size >= self._segment_bytes:
            self._seal(project)

    def seal_due(self) -> None:
        """Seal the segments that are old enough."""
        limit = self._clock.monotonic() - self._segment_seconds
        for project in [p for p, s in self._segments.items() if s.opened_at <= limit]:
            self._seal(project)

    def close(self) -> None:
        """Seal everything."""
        for project in list(self._segments):
            self._seal(project)
        os.close(self._lock)

    def _open(self, project: str) -> _Segment:
        number = self._next_number % _SEGMENT_LIMIT
        self._next_number += 1
        path = self.directory / f"{quote(project, safe='')}.{number}{OPEN}"
        descriptor: int | None = None
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            log.warning("cannot open a segment of records: %s", error)
        segment = _Segment(number, path, descriptor, self._clock.monotonic())
        self._segments[project] = segment
        return segment

    def _say_drops(self) -> None:
        # What is logged while the disk is full is lost like the records.
        log.error(
            "There is room again; %d records of predictions were dropped so far", self.dropped
        )
        self._said = self.dropped

    def _seal(self, project: str) -> None:
        segment = self._segments.pop(project)
        segment.close()
        if segment.descriptor is None:
            return
        if segment.size:
            failpoint("segment.closed")
            segment.path.rename(segment.path.with_suffix(SEALED))
        else:
            segment.path.unlink()
