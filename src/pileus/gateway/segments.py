"""Segments of records that are complete: found on disk, read, bounded, deleted."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from pileus.core.failpoints import failpoint
from pileus.gateway.files import try_lock
from pileus.gateway.records import OPEN, SEALED

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SealedSegment:
    """One file, and what its name says of it."""

    path: Path
    lane: int
    source: str
    project: str
    number: int
    size: int
    written_at: float


def sealed_segments(directory: Path) -> list[SealedSegment]:
    """All of this home, the oldest first."""
    found = []
    for path in directory.glob(f"*/*{SEALED}"):
        lane, _, source = path.parent.name.partition("-")
        project, _, number = path.stem.rpartition(".")
        try:
            status = path.stat()
            found.append(
                SealedSegment(
                    path,
                    int(lane, 16),
                    source,
                    unquote(project),
                    int(number),
                    status.st_size,
                    status.st_mtime,
                )
            )
        except (ValueError, FileNotFoundError):
            continue
    return sorted(found, key=lambda segment: (segment.written_at, segment.number))


def seal_dead(directory: Path) -> None:
    """Seal what lanes that died left open, and remove their empty directories."""
    for lane in list(directory.iterdir()) if directory.is_dir() else []:
        descriptor = os.open(lane, os.O_RDONLY)
        try:
            if try_lock(descriptor):
                for path in lane.glob(f"*{OPEN}"):
                    _seal(path)
                if not any(lane.iterdir()):
                    lane.rmdir()
        finally:
            os.close(descriptor)


def drop_oldest(segments: list[SealedSegment], max_bytes: int) -> int:
    """Delete the oldest until the rest fits; the number of records that were lost."""
    excess = sum(segment.size for segment in segments) - max_bytes
    dropped = 0
    for segment in segments:
        if excess <= 0:
            break
        dropped += drop(segment)
        excess -= segment.size
    return dropped


def drop(segment: SealedSegment) -> int:
    """Delete a segment unshipped; the number of records that were lost."""
    try:
        records = segment.path.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0  # another lane of this home has it
    segment.path.unlink(missing_ok=True)
    return records


def _seal(path: Path) -> None:
    content = path.read_bytes()
    # A record is one write, so at most its last line is cut by a loss of power.
    whole = content.rfind(b"\n") + 1
    if whole == 0:
        path.unlink()
        return
    if whole < len(content):
        os.truncate(path, whole)
    failpoint("dead_segment.whole")
    path.rename(path.with_suffix(SEALED))
