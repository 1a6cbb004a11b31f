"""Times of a log's lines, which lie beside it: the log itself stays as it was written.

A stamp says when the log last grew to where it then ended, as a record of a fixed size; a line has the
time of the first stamp that covers all of it. Records are appended in order, so that a time is found
by bisection and what was written of a record that a kill cut off is known by its size. Standard
library only: runners write them.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

RECORD = struct.Struct("<QQ")
"""Where the log ended, in bytes; when, in microseconds since 1970."""

SUFFIX = ".times"
"""After the name of a log: the name of its times, as a file and as a stream."""

UNKNOWN = b"-"
"""In the place of the time of a line that has none, such as one from before there were stamps."""

WIDTH = len("2026-01-01T00:00:00.000Z ")
"""Of what stands before each line."""

LINE_BYTES = 1024 * 1024
"""A longer line counts as several."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MICROS = 253_402_300_799_999_999
"""The last that a date can be; the file is within an attempt's reach."""


class Span(NamedTuple):
    """Whole lines and when they were written, in microseconds since 1970; None when nobody knows."""

    micros: int | None
    lines: bytes


def micros_of(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def first_not_before(records: bytes, micros: int) -> int:
    """Of whole records, the place of the first that is not from before that time."""
    low, high = 0, len(records) // RECORD.size
    while low < high:
        middle = (low + high) // 2
        if RECORD.unpack_from(records, middle * RECORD.size)[1] < micros:
            low = middle + 1
        else:
            high = middle
    return low


class TimedLines:
    """Brings the bytes of a log, from some line on, and its times together, as either comes."""

    def __init__(self) -> None:
        self._held = b""
        self._end = 0
        """Where in the log that ends which is held."""

        self._stamps: deque[tuple[int, ...]] = deque()
        self._record = b""
        self._covered = 0
        self._may_come = True
        self._done: list[Span] = []

    @property
    def wants_times(self) -> bool:
        """Whether a stamp that is not here yet covers lines that are."""
        return self._may_come and self._covered < self._end and b"\n" in self._held

    def expect_no_times(self) -> None:
        """Nobody stamps this log: its lines wait for no stamp any more."""
        self._may_come = False

    def add(self, data: bytes, offset: int, next_offset: int) -> None:
        """What an answer says is there between those two."""
        is_left_out = next_offset - offset != len(data)
        if is_left_out or offset != self._end:
            self._done = self.take(is_over=True)
        if is_left_out:
            # A line of ours stands for lines that are not kept.
            self._done.append(Span(None, data))
            data = b""
        self._held += data
        self._end = next_offset

    def add_times(self, data: bytes) -> None:
        """The next bytes of the times."""
        data = self._record + data
        whole = len(data) - len(data) % RECORD.size
        self._record = data[whole:]
        stamps = list(RECORD.iter_unpack(data[:whole]))
        if stamps:
            self._stamps.extend(stamps)
            self._covered = stamps[-1][0]

    def take(self, *, is_over: bool = False) -> list[Span]:
        """Lines whose time is known; with `is_over` also the others, for nothing more will come."""
        found, self._done = self._done, []
        start, at = self._end - len(self._held), 0
        while self._stamps:
            end, micros = self._stamps[0]
            cut = self._held.rfind(b"\n", at, max(at, end - start)) + 1
            if cut > at:
                found.append(Span(min(micros, _LAST_MICROS), self._held[at:cut]))
                at = cut
            if end > self._end:
                break  # it covers more than is here
            self._stamps.popleft()
        if not self._may_come and (cut := self._held.rfind(b"\n", at) + 1) > at:
            found.append(Span(None, self._held[at:cut]))
            at = cut
        self._held = self._held[at:]
        if self._held and (is_over or len(self._held) > LINE_BYTES):
            found.append(Span(None, self._held))
            self._held = b""
        return found


def shown(spans: Sequence[Span]) -> bytes:
    """Lines, each after its time in UTC."""
    return b"".join(_shown(span) for span in spans)


def _shown(span: Span) -> bytes:
    mark = (UNKNOWN if span.micros is None else _text(span.micros)).ljust(WIDTH)
    is_whole = span.lines.endswith(b"\n")
    inner = span.lines[:-1] if is_whole else span.lines
    return mark + inner.replace(b"\n", b"\n" + mark) + (b"\n" if is_whole else b"")


def _text(micros: int) -> bytes:
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


def within(spans: Sequence[Span], since: int | None, until: int | None) -> Iterator[Span]:
    """Those from between two times, both included, and those whose time nobody knows."""
    for span in spans:
        is_early = since is not None and span.micros is not None and span.micros < since
        is_late = until is not None and span.micros is not None and span.micros > until
        if not is_early and not is_late:
            yield span
