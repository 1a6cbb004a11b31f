"""
Descriptions of single predictions, appended to segments before the answer, without fsync.

A record may be dropped when the disk is full; it is counted then. Money is in `meters.py`.
"""

from __future__ import annotations

import logging
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


@dataclass(slots=True)
class _Segment:
    number: int
    path: Path
    descriptor: int | None
    opened_at: float
    size: int = 0
    ids: int = 0


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
        self._write(segment, line + b"\n")
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
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            log.warning("cannot open a segment of records: %s", error)
        segment = _Segment(number, path, descriptor, self._clock.monotonic())
        self._segments[project] = segment
        return segment

    def _write(self, segment: _Segment, line: bytes) -> None:
        if segment.descriptor is None:
            self.dropped += 1
            return
        try:
            if os.write(segment.descriptor, line) == len(line):
                segment.size += len(line)
                self._say_drops()
                return
            os.ftruncate(segment.descriptor, segment.size)
        except OSError as error:
            if self.dropped == 0:
                log.warning("records are being dropped: %s", error)
        self.dropped += 1

    def _say_drops(self) -> None:
        # What is logged while the disk is full is lost like the records.
        if self.dropped > self._said:
            log.error(
                "There is room again; %d records of predictions were dropped so far", self.dropped
            )
            self._said = self.dropped

    def _seal(self, project: str) -> None:
        segment = self._segments.pop(project)
        if segment.descriptor is None:
            return
        os.close(segment.descriptor)
        if segment.size:
            failpoint("segment.closed")
            segment.path.rename(segment.path.with_suffix(SEALED))
        else:
            segment.path.unlink()
