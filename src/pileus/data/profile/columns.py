"""One column of a table as it streams by: a reader for each type of column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np

from pileus.data import schema
from pileus.data.cells import is_missing
from pileus.data.profile.distinct import VALUES, Distinct, hashes
from pileus.data.profile.numbers import NumberReader
from pileus.data.profile.sampling import Places, Values
from pileus.data.profile.schema import CategoryColumn, Column, NumberColumn, TextColumn


class ColumnReader(Protocol):
    """Sees the cells of one column of one side."""

    def see(self, at: Places, cells: Sequence[str]) -> None:
        """Take note of some rows' cells, and of the hashes of these rows."""
        ...

    def joined(self, other: Self) -> Self:
        """Of the cells of both."""
        ...

    def column(self) -> Column:
        """What was seen."""
        ...


def reader_of(column: schema.Column, capacity: int) -> ColumnReader:
    """The reader for a column of the manifest, with samples of so many rows."""
    if column.type == "number":
        return _NumberColumn(column.name, capacity)
    if column.type == "category":
        return _CategoryColumn(column.name)
    return _TextColumn(column.name, capacity)


def numbers_of(cells: Sequence[str]) -> Values:
    """Cells of a column of numbers; NaN where one is missing."""
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        present = ("nan" if is_missing(cell) else cell for cell in cells)
        return np.fromiter(map(float, present), np.float64, len(cells))


class _NumberColumn:
    def __init__(self, name: str, capacity: int) -> None:
        self._name = name
        self._capacity = capacity
        self.numbers = NumberReader(capacity)

    def see(self, at: Places, cells: Sequence[str]) -> None:
        self.numbers.see(at, numbers_of(cells))

    def joined(self, other: Self) -> Self:
        both = type(self)(self._name, self._capacity)
        both.numbers = self.numbers.joined(other.numbers)
        return both

    def column(self) -> NumberColumn:
        return NumberColumn(self._name, self.numbers.missing, self.numbers.numbers())


class _CategoryColumn:
    def __init__(self, name: str) -> None:
        self._name = name
        self.cells: Counter[str] = Counter()

    def see(self, at: Places, cells: Sequence[str]) -> None:
        del at
        self.cells.update(cells)

    def joined(self, other: Self) -> Self:
        both = type(self)(self._name)
        both.cells = self.cells + other.cells
        return both

    def column(self) -> CategoryColumn:
        values: Counter[str] = Counter()
        missing = 0
        for cell, count in self.cells.items():
            if is_missing(cell):
                missing += count
            else:
                values[cell.strip()] += count
        return CategoryColumn(self._name, missing, len(values), most_frequent(values))


class _TextColumn:
    def __init__(self, name: str, capacity: int) -> None:
        self._name = name
        self._capacity = capacity
        self.characters = NumberReader(capacity)
        self.words = NumberReader(capacity)
        self.distinct = Distinct(VALUES)

    def see(self, at: Places, cells: Sequence[str]) -> None:
        texts = [None if is_missing(cell) else cell.strip() for cell in cells]
        characters = [float("nan") if text is None else len(text) for text in texts]
        words = [float("nan") if text is None else len(text.split()) for text in texts]
        self.characters.see(at, np.array(characters, dtype=np.float64))
        self.words.see(at, np.array(words, dtype=np.float64))
        self.distinct.see(hashes(text.encode() for text in texts if text is not None))

    def joined(self, other: Self) -> Self:
        both = type(self)(self._name, self._capacity)
        both.characters = self.characters.joined(other.characters)
        both.words = self.words.joined(other.words)
        both.distinct = self.distinct.joined(other.distinct)
        return both

    def column(self) -> TextColumn:
        return TextColumn(
            self._name,
            self.characters.missing,
            self.distinct.count(),
            self.characters.numbers(),
            self.words.numbers(),
        )


def most_frequent(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    """Values with their counts, the most frequent first."""
    return tuple(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
