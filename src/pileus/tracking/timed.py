"""Reads a log with the times of its lines: those of a time, each after its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from pileus.core.stamps import (
    RECORD,
    SUFFIX,
    WIDTH,
    Span,
    TimedLines,
    first_not_before,
    micros_of,
    shown,
    within,
)
from pileus.tracking.streams import StreamStore

_BACK_BYTES = 64 * 1024
"""A line is not looked for further back than this: a longer one is shown from some place on."""


@dataclass(frozen=True)
class Log:
    """A log of an attempt."""

    project: str
    attempt: str
    name: str


@dataclass(frozen=True)
class Wanted:
    """Which of its lines, and how; lines whose time is not known are of every time."""

    since: datetime | None = None
    until: datetime | None = None
    timestamps: bool = False

    @property
    def needs_times(self) -> bool:
        """Whether a plain copy of the log would not do."""
        return self.timestamps or self.since is not None or self.until is not None

    @property
    def mark_bytes(self) -> int:
        """Bytes before each line that are not the log's."""
        return WIDTH if self.timestamps else 0


async def timed(streams: StreamStore, log: Log, wanted: Wanted) -> AsyncIterator[bytes]:
    """The lines, some at a time."""
    since = None if wanted.since is None else micros_of(wanted.since)
    until = None if wanted.until is None else micros_of(wanted.until)
    lines = TimedLines()
    times = streams.pieces(log.project, log.attempt, f"{log.name}{SUFFIX}")
    start = 0 if wanted.since is None else await start_of(streams, log, wanted.since)
    is_late = False
    async for offset, chunk in streams.chunks(log.project, log.attempt, log.name, start):
        lines.add(chunk.data, offset, chunk.next_offset)
        while lines.wants_times and (piece := await anext(times, b"")):
            await asyncio.to_thread(lines.add_times, piece)
        spans = await asyncio.to_thread(lines.take)
        is_late = until is not None and any((one.micros or 0) > until for one in spans)
        yield _out(list(within(spans, since, until)), wanted)
        if is_late:
            break
    if not is_late:
        yield _out(list(within(lines.take(is_over=True), since, until)), wanted)


async def start_of(streams: StreamStore, log: Log, since: datetime) -> int:
    """Where in the log the first line begins that is not known to be from before that time."""
    micros, end = micros_of(since), 0
    async for piece in streams.pieces(log.project, log.attempt, f"{log.name}{SUFFIX}"):
        records = piece[: len(piece) - len(piece) % RECORD.size]
        place = first_not_before(records, micros)
        if place:
            end = RECORD.unpack_from(records, (place - 1) * RECORD.size)[0]
        if place * RECORD.size < len(records):
            break
    return await _line_start(streams, log, end)


async def _line_start(streams: StreamStore, log: Log, offset: int) -> int:
    """Where the line begins that has the byte at `offset`."""
    start = max(0, offset - _BACK_BYTES)
    chunk = await streams.read(log.project, log.attempt, log.name, start)
    if chunk.next_offset - start != len(chunk.data):
        return offset  # what is before it was left out
    return start + chunk.data.rfind(b"\n", 0, offset - start) + 1


def _out(spans: list[Span], wanted: Wanted) -> bytes:
    return shown(spans) if wanted.timestamps else b"".join(span.lines for span in spans)
