"""What a feature column holds: numbers, a small set of values, or free text."""

from __future__ import annotations

from collections.abc import Iterable

from pileus.data.cells import are_numbers, is_missing, number
from pileus.data.manifest import MAX_CATEGORIES
from pileus.data.schema import Column

_COUNTED = 1000
"""Distinct values are counted up to here, which bounds memory for wide tables."""


class ColumnReader:
    """Sees every cell of one column and says what it is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._values: set[str] = set()
        self._has_number = False
        self._text: str | None = None

    def see(self, cells: Iterable[str]) -> None:
        """Take note of cells; order and repetition do not matter."""
        # What is among the values was looked at when it came there.
        new = set(cells) - self._values
        if len(self._values) == _COUNTED and self._has_number and are_numbers(new):
            return
        for cell in new:
            if is_missing(cell):
                continue
            value = cell.strip()
            if len(self._values) < _COUNTED:
                self._values.add(value)
            if self._has_number and self._text is not None:
                continue
            if number(value) is not None:
                self._has_number = True
            else:
                self._text = value if self._text is None else min(self._text, value)

    @property
    def is_empty(self) -> bool:
        """No cell of the column has a value."""
        return not self._values

    @property
    def values(self) -> tuple[str, ...]:
        """Distinct values in order; the first 1,000 that were seen when there are more."""
        return tuple(sorted(self._values))

    @property
    def stray_text(self) -> str | None:
        """A text that keeps a column with numbers in it from being one of numbers."""
        return self._text if self._has_number else None

    def column(self) -> Column:
        if self._text is None:
            return Column(self.name, "number")
        if len(self._values) <= MAX_CATEGORIES:
            return Column(self.name, "category", values=self.values)
        return Column(self.name, "text", distinct=len(self._values))
