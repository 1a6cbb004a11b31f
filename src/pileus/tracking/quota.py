"""What is left out of the middle of a log that is larger than what is kept of one."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pileus.core.stamps import RECORD

_READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Gap:
    """Bytes `start` to `end` of a log, whole lines as a rule, that are not kept."""

    start: int
    end: int
    lines: int

    @property
    def size(self) -> int:
        """Bytes that are not kept."""
        return self.end - self.start

    @property
    def text(self) -> bytes:
        """The line that stands where they were."""
        return f"[{self.lines} lines, {self.size} bytes left out: see log_mib]\n".encode()


def gap_of(path: Path, most: int, known: Gap | None = None) -> Gap | None:
    """What must go so that half of `most` bytes stays at either end; None when all may stay.

    Cut between lines, unless one of them is longer than what stays. A gap that is `known` only grows:
    nothing is there any more.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size - (known.size if known else 0) <= most:
            return known
        start = known.start if known else _line_end(file, 0, most // 2) or most // 2
        counted, lines = (known.end, known.lines) if known else (start, 0)
        end = size - most // 2
        end = max(end + _first_line_end(file, end, size), counted)
        return Gap(start, end, lines + _lines(file, counted, end))


def gap_of_times(path: Path, log: Gap, known: Gap | None = None) -> Gap | None:
    """Of a log's times, those that no line needs which is kept of the log."""
    with path.open("rb") as file:
        count = file.seek(0, 2) // RECORD.size

        def log_end(place: int) -> int:
            file.seek(place * RECORD.size)
            return int(RECORD.unpack(file.read(RECORD.size))[0])

        places = range(count)
        # The first that reaches into the gap is also that of the last lines before it.
        first = (
            known.start // RECORD.size
            if known
            else bisect_right(places, log.start, key=log_end) + 1
        )
        low = known.end // RECORD.size if known else first
        last = bisect_right(places, log.end, lo=min(low, count), key=log_end)
    if last <= low:
        return known
    return Gap(first * RECORD.size, last * RECORD.size, last - first)


def _line_end(file: BinaryIO, start: int, end: int) -> int:
    """After the last line that ends between them; 0 when none does."""
    while end > start:
        begin = max(start, end - _READ_BYTES)
        file.seek(begin)
        found = file.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def _first_line_end(file: BinaryIO, start: int, size: int) -> int:
    """Bytes from `start` to after the next line's end; 0 when none follows that leaves anything."""
    file.seek(start - 1)
    found = file.read(_READ_BYTES).find(b"\n")
    return found if found >= 0 and start + found < size else 0


def _lines(file: BinaryIO, start: int, end: int) -> int:
    file.seek(start)
    lines, last = 0, b"\n"
    while start < end and (data := file.read(min(_READ_BYTES, end - start))):
        lines += data.count(b"\n")
        start += len(data)
        last = data[-1:]
    return lines + (last != b"\n")
