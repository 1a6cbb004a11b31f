"""
Rows of two tables compared by their hashes, in memory that does not grow with the tables.

Hashes go to files by their first bits; then the files of one range are compared at a time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

import numpy as np
from numpy.typing import NDArray

from pileus.data.difference import Contents
from pileus.data.schema import Split

Which = Literal["a", "b"]
Hashes = NDArray[np.uint64]

_RANGE_BITS = 4
"""16 ranges: of 100 million rows a range takes 50 MB."""


class RowCounting:
    """Counts rows that were added, removed, or moved to the other side."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="pileus-diff-")
        self._files: dict[tuple[Which, Split, int], BinaryIO] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for file in self._files.values():
            file.close()
        self._directory.cleanup()

    def see(self, which: Which, split: Split, found: Hashes) -> None:
        """Take note of rows of one side of A or B."""
        ranges = found >> np.uint64(64 - _RANGE_BITS)
        for number in np.unique(ranges).tolist():
            self._file(which, split, number).write(found[ranges == number].tobytes())

    def contents(self, unchanged: int, by_columns: Sequence[str] | None) -> Contents:
        """The counts; `unchanged` rows were not seen because nothing of their part changed."""
        added = removed = moved = same = 0
        for number in range(1 << _RANGE_BITS):
            counts = self._counts(number)
            a, b = counts[:2].sum(axis=0), counts[2:].sum(axis=0)
            both = np.minimum(a, b)
            stayed = np.minimum(counts[0], counts[2]) + np.minimum(counts[1], counts[3])
            added += int((b - both).sum())
            removed += int((a - both).sum())
            # Of a row that repeats, copies that stayed pair off first.
            moved += int((both - np.minimum(stayed, both)).sum())
            same += int(np.minimum(stayed, both).sum())
        columns = None if by_columns is None else tuple(by_columns)
        return Contents(added, removed, moved, 0, 0, unchanged + same, columns)

    def _counts(self, number: int) -> NDArray[np.int64]:
        """For each row of a range, how often it is in A (train, untouched) and in B."""
        parts = [
            self._read(which, split, number)
            for which in ("a", "b")
            for split in ("train", "untouched")
        ]
        found, places = np.unique(np.concatenate(parts), return_inverse=True)
        counts = np.zeros((4, len(found)), dtype=np.int64)
        start = 0
        for row, part in enumerate(parts):
            mine = places[start : start + len(part)]
            counts[row] = np.bincount(mine, minlength=len(found))
            start += len(part)
        return counts

    def _read(self, which: Which, split: Split, number: int) -> Hashes:
        file = self._files.get((which, split, number))
        if file is None:
            return np.empty(0, np.uint64)
        file.flush()
        return np.fromfile(file.name, dtype=np.uint64)

    def _file(self, which: Which, split: Split, number: int) -> BinaryIO:
        key = (which, split, number)
        if key not in self._files:
            path = Path(self._directory.name) / f"{which}-{split}-{number}"
            self._files[key] = path.open("wb")
        return self._files[key]
