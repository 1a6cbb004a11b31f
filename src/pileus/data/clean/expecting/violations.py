"""What does not hold, counted, with the first rows; all of them (up to a bound) in a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from pileus.data.clean.errors import ExpectationViolated
from pileus.data.schema import Split

MAX_ROWS = 10_000
"""Rows kept in the file; all are counted."""

_SHOWN = 3
_NAMED = 10


class Seen(NamedTuple):
    """A row as it is named to a person."""

    split: Split
    place: str
    """`row 17`, or the path of an image."""

    cells: Sequence[str]


@dataclass
class Violation:
    """One expectation that does not hold."""

    expectation: str
    count: int = 0
    first: list[str] = field(default_factory=list)
    detail: str = ""
    """Of an expectation of the whole, not of rows: what was found."""

    def sentence(self) -> str:
        if self.detail:
            return f"{self.expectation}: {self.detail}"
        rows = "1 row" if self.count == 1 else f"{self.count:,} rows"
        return f"{self.expectation}: fails for {rows}, first {'; '.join(self.first)}"


class Violations:
    """Collects what does not hold. Use as a context, which closes the file."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path = path
        self._names = names
        self._found: dict[str, Violation] = {}
        self._stream: Any = None
        self._writer: Any = None
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def row(self, expectation: str, seen: Seen, value: str) -> None:
        """A row for which an expectation fails, because of `value`."""
        found = self._found.setdefault(expectation, Violation(expectation))
        found.count += 1
        if len(found.first) < _SHOWN:
            found.first.append(f"{seen.place} of {seen.split}: {value!r}")
        if self._rows < MAX_ROWS:
            self._rows += 1
            self._write([expectation, seen.split, seen.place, value, *seen.cells])

    def whole(self, expectation: str, detail: str) -> None:
        """An expectation of all rows together that fails."""
        self._found[expectation] = Violation(expectation, 1, detail=detail)

    def documents(self) -> list[dict[str, Any]]:
        """What the report says of them."""
        return [
            {
                "expectation": one.expectation,
                "count": one.count,
                "first": one.first or [one.detail],
            }
            for one in self._found.values()
        ]

    def raise_if_any(self) -> None:
        """Raises ExpectationViolated, naming each expectation, its count and its first rows."""
        if not self._found:
            return
        found = list(self._found.values())
        told = ". ".join(one.sentence() for one in found[:_NAMED])
        more = f". And {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        what = "1 expectation does" if len(found) == 1 else f"{len(found)} expectations do"
        where = "rows are in artifact 'failing.csv'" if self._rows else "'report.json' has them all"
        raise ExpectationViolated(
            f"{what} not hold. {told}{more}",
            hint=f"The {where}; copy it with `pileus job artifacts JOB --download DIRECTORY`."
            if self._rows
            else f"Correct the data or the expectations; artifact {where}.",
        )

    def _write(self, cells: Sequence[str]) -> None:
        if self._stream is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._path.open("w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._stream, lineterminator="\n")
            self._writer.writerow(["expectation", "split", "place", "value", *self._names])
        self._writer.writerow(cells)
