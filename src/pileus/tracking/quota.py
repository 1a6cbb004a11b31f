"""What is left out of the middle of a log that is larger than what is kept of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

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


def gap_of(path: Path, most: int) -> Gap | None:
    """What must go so that half of `most` bytes stays at either end; None when all may stay.

    Cut between lines, unless one of them is longer than what stays.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size <= most:
            return None
        start = _line_end(file, 0, most // 2) or most // 2
        end = size - most // 2
        end += _first_line_end(file, end, size)
        return Gap(start, end, _lines(file, start, end))


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
