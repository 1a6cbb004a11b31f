"""A CSV file: a header, one delimiter among comma, semicolon and tab."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from pileus.core.errors import PileusError
from pileus.data.errors import TableDamaged
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.source import Row
from pileus.data.sources.text import TextFile

ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_DELIMITERS = ",;\t"
_SNIFFED_LINES = 50


class CsvFile:
    """One file of rows."""

    kind: Literal["table"] = "table"
    label: str | None = None
    unit: Literal["line", "row"] = "line"

    def __init__(self, path: Path, name: str, options: SourceOptions) -> None:
        self.name = f"csv:{name}"
        self._file = name
        self._text = TextFile(path, name, options.encoding, is_forgiving=options.faults.is_skipping)
        self._columns = options.columns
        self._is_headless = options.no_header
        self._faults = options.faults

    @classmethod
    def of(cls, path: Path, name: str, options: SourceOptions) -> CsvFile | None:
        if not path.is_file() or not name.lower().endswith(ENDINGS):
            return None
        options.refuse_all_but({"encoding", "columns", "no_header"}, "a CSV file")
        return cls(path, name, options)

    def rows(self) -> Iterator[Row]:
        found = self._parsed(_Lines(self._text), self._delimiter())
        first = next(found, None)
        if first is None:
            return
        if isinstance(first, _Fault):
            # Without its header no table is read; the next line would be taken for it.
            raise first.error
        if self._columns is not None:
            yield Row(0, list(self._columns))
        elif self._is_headless:
            yield Row(0, [f"column_{number}" for number in range(1, len(first.cells) + 1)])
        yield first
        for row in found:
            if isinstance(row, _Fault):
                self._faults.meet(row.error, self._file, row.line)
            else:
                yield row

    def _parsed(self, lines: _Lines, delimiter: str) -> Iterator[Row | _Fault]:
        while chunk := lines.next_chunk():
            cells = self._simple(chunk, delimiter)
            if cells is None:
                yield from self._careful(lines, delimiter)
                continue
            first = lines.take_chunk()
            yield from map(Row, *_numbered(cells, first))

    def _simple(self, chunk: str, delimiter: str) -> list[list[str]] | None:
        """Rows of a chunk without quotes, where each line is one; three times as fast."""
        if '"' in chunk or not self._text.is_clean(chunk):
            return None
        try:
            return list(csv.reader(chunk[:-1].split("\n"), delimiter=delimiter, strict=True))
        except csv.Error:
            return None

    def _careful(self, lines: _Lines, delimiter: str) -> Iterator[Row | _Fault]:
        """Rows that begin in the chunk, one at a time."""
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while lines.is_in_chunk():
            line = lines.begin_row()
            try:
                cells = next(reader)
            except csv.Error as error:
                yield _Fault(line, self._damaged(line, str(error)))
                # A stray quote swallows the rows after it: they are read again.
                lines.retry()
                continue
            if lines.fault is not None:
                yield lines.fault
            elif _is_row(cells):
                yield Row(line, cells)

    def _delimiter(self) -> str:
        """The one that cuts the first lines into the most columns of one number."""
        sample = [line + "\n" for line in islice(self._text.lines(), _SNIFFED_LINES)]
        return max(_DELIMITERS, key=lambda delimiter: _score(sample, delimiter))

    def _damaged(self, line: int, why: str) -> TableDamaged:
        return TableDamaged(
            f"{self._file!r}, line {line}: {why}",
            hint="Correct the line, or save the table again as CSV; --skip-bad passes over it.",
        )


class _Fault:
    """A row that cannot be used, and the line on which it begins."""

    def __init__(self, line: int, error: PileusError) -> None:
        self.line = line
        self.error = error


class _Lines:
    """Lines for the parser, which may ask for those of the last row again."""

    def __init__(self, text: TextFile) -> None:
        self.fault: _Fault | None = None
        self._text = text
        self._chunks = text.chunks()
        self._chunk = ""
        self._number = 0
        self._of_row: list[str] = []
        self._waiting: deque[str] = deque()

    def next_chunk(self) -> str:
        """The lines that come next, not yet taken; "" at the end."""
        self._chunk = next(self._chunks, "")
        return self._chunk

    def take_chunk(self) -> int:
        """Take all of its lines; the number of the first."""
        first = self._number + 1
        self._number += self._chunk.count("\n")
        self._chunk = ""
        return first

    def is_in_chunk(self) -> bool:
        """Whether there are lines before the next chunk."""
        return bool(self._waiting or self._chunk)

    def begin_row(self) -> int:
        """The number of the next line."""
        self._of_row.clear()
        self.fault = None
        return self._number + 1

    def retry(self) -> None:
        """Give all lines since `begin_row` again, but the first."""
        rest = self._of_row[1:]
        self._waiting.extendleft(reversed(rest))
        self._number -= len(rest)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if not self._waiting:
            if not self._chunk and not self.next_chunk():
                raise StopIteration
            self._waiting.extend(self._chunk[:-1].split("\n"))
            self._chunk = ""
        line = self._waiting.popleft()
        self._number += 1
        self._of_row.append(line)
        if not line.isascii() or "\0" in line:
            error = self._text.fault(self._number, line)
            if error is not None and self.fault is None:
                self.fault = _Fault(self._number, error)
        return line + "\n"


def _is_row(cells: list[str]) -> bool:
    """A blank line is no row: a table has at least two columns."""
    return len(cells) > 1 or (len(cells) == 1 and bool(cells[0].strip()))


def _numbered(rows: list[list[str]], first: int) -> tuple[Iterable[int], list[list[str]]]:
    """Numbers of lines, and the rows on them that are not blank."""
    numbers = range(first, first + len(rows))
    if min(map(len, rows)) > 1:
        return numbers, rows
    kept = [(number, cells) for number, cells in zip(numbers, rows, strict=True) if _is_row(cells)]
    return [number for number, _ in kept], [cells for _, cells in kept]


def _score(sample: list[str], delimiter: str) -> tuple[bool, int]:
    try:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    except csv.Error:
        return (False, 0)
    # The sample may end inside a quoted cell, so its last row says nothing.
    even = len(set(widths[:-1] if len(widths) > 2 else widths)) == 1
    return (even and widths[0] > 1, widths[0] if widths else 0)
