"""
A bounded sample of rows that is the same on every machine.

Which rows are in it is decided by a hash of their place, not by a random generator: the rows with
the smallest hashes stay. So two samples join into the sample of both, and nothing is seeded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CAPACITY = 8192
"""Rows kept at most: 128 KiB for a column. Quantiles of more rows are off by less than 1.5 points of a
hundred in 99 of 100 cases."""

_VALUES = 2_000_000
"""Values kept of one side of a wide table: 32 MB, whatever the number of columns."""

_LEAST = 256

_SALT = {"train": 0, "untouched": 1 << 62}

Places = NDArray[np.uint64]
Values = NDArray[np.float64]


def places(side: str, start: int, count: int) -> Places:
    """Hashes of rows `start` to `start + count` of a side, by the finaliser of SplitMix64."""
    number = np.arange(count, dtype=np.uint64) + np.uint64(start + _SALT[side])
    mixed = (number + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def capacity_of(columns: int) -> int:
    """Rows that the sample of each column keeps when a side has so many columns."""
    return max(_LEAST, min(CAPACITY, _VALUES // max(columns, 1)))


class Sample:
    """Values of at most `capacity` rows, and their hashes."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._kept: list[tuple[Places, Values]] = []
        self._count = 0
        self._limit = np.uint64(2**64 - 1)

    def see(self, at: Places, values: Values) -> None:
        """Offer values with the hashes of their rows."""
        chosen = at <= self._limit
        self._kept.append((at[chosen], values[chosen]))
        self._count += int(chosen.sum())
        if self._count > self._capacity * 3 // 2:
            self._shrink()

    def joined(self, other: Sample) -> Sample:
        """The sample of the rows of both."""
        both = Sample(self._capacity)
        both._kept = [*self._kept, *other._kept]
        both._shrink()
        return both

    def values(self) -> Values:
        """The values kept, ascending."""
        self._shrink()
        return np.sort(self._kept[0][1])

    def _shrink(self) -> None:
        empty = (np.empty(0, np.uint64), np.empty(0, np.float64))
        at, values = (np.concatenate(part) for part in zip(*self._kept, empty, strict=True))
        if len(at) > self._capacity:
            smallest = np.argpartition(at, self._capacity - 1)[: self._capacity]
            at, values = at[smallest], values[smallest]
            self._limit = at.max()
        self._kept, self._count = [(at, values)], len(at)
