"""A CSV file: UTF-8, a header, one delimiter among comma, semicolon and tab."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal

from pileus.data.errors import TableDamaged
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.reading import reading
from pileus.data.sources.source import Row

_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_DELIMITERS = ",;\t"
_SNIFFED_LINES = 50
_MAX_LINE_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class CsvFile:
    """One file of rows."""

    kind: Literal["table"] = "table"
    label: str | None = None

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._file = name
        self.name = f"csv:{name}"

    @classmethod
    def of(cls, path: Path, name: str, options: SourceOptions) -> CsvFile | None:
        del options
        return cls(path, name) if path.is_file() and name.lower().endswith(_ENDINGS) else None

    def rows(self) -> Iterator[Row]:
        delimiter = self._delimiter()
        with reading(self._path, self._file) as stream:
            reader = csv.reader(self._lines(stream), delimiter=delimiter, strict=True)
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader, None)
                except csv.Error as error:
                    raise self._damaged(line, str(error)) from error
                if cells is None:
                    return
                # A blank line is no row: a table has at least two columns.
                if cells:
                    yield Row(line, cells)

    def _delimiter(self) -> str:
        """The one that cuts the first lines into the most columns of one number."""
        with reading(self._path, self._file) as stream:
            sample = list(islice(self._lines(stream), _SNIFFED_LINES))
        return max(_DELIMITERS, key=lambda delimiter: _score(sample, delimiter))

    def _lines(self, stream: BinaryIO) -> Iterator[str]:
        """Lines decoded one by one, so that an error can say which one it is."""
        number = 0
        while raw := stream.readline(_MAX_LINE_BYTES):
            number += 1
            if number == 1:
                raw = raw.removeprefix(_BOM)
            if len(raw) == _MAX_LINE_BYTES:
                raise self._damaged(number, f"it has more than {_MAX_LINE_BYTES:,} bytes")
            if b"\0" in raw:
                raise self._damaged(number, "it holds a zero byte, so it is not UTF-8 text")
            try:
                yield raw.decode()
            except UnicodeDecodeError as error:
                wrong = raw[error.start : error.start + 8]
                raise self._damaged(number, f"it is not UTF-8 at {wrong!r}") from error

    def _damaged(self, line: int, why: str) -> TableDamaged:
        return TableDamaged(
            f"{self._file!r}, line {line}: {why}",
            hint="Correct the line, or save the table again as CSV in UTF-8.",
        )


def _score(sample: list[str], delimiter: str) -> tuple[bool, int]:
    try:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    except csv.Error:
        return (False, 0)
    # The sample may end inside a quoted cell, so its last row says nothing.
    even = len(set(widths[:-1] if len(widths) > 2 else widths)) == 1
    return (even and widths[0] > 1, widths[0] if widths else 0)
