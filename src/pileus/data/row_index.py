"""
What the split has to know of each row, in a file: a hundred million rows are 1.7 GB.

Written once in the order of the rows, then read in chunks as often as it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Entries = NDArray[np.void]

ENTRY = np.dtype([("key", "<u8"), ("length", "<u4"), ("label", "<i4"), ("side", "i1")])
"""The split's key, bytes of the canonical line, code of the label, and the side that is given."""

NOT_GIVEN, TRAIN, UNTOUCHED = -1, 0, 1
CHUNK_ROWS = 500_000


class RowIndex:
    """Entries of rows, in their order."""

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self._path = path
        self._stream = path.open("wb")

    def add(
        self,
        keys: NDArray[np.uint64],
        lengths: Sequence[int],
        labels: Sequence[int],
        sides: Sequence[int],
    ) -> None:
        """Note some rows."""
        entries: NDArray[Any] = np.empty(len(keys), dtype=ENTRY)
        entries["key"], entries["length"] = keys, lengths
        entries["label"], entries["side"] = labels, sides
        self._stream.write(entries.data)
        self.rows += len(keys)

    def chunks(self) -> Iterator[Entries]:
        """All entries, some at a time."""
        self._stream.flush()
        with self._path.open("rb") as stream:
            while data := stream.read(CHUNK_ROWS * ENTRY.itemsize):
                yield np.frombuffer(data, dtype=ENTRY)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stream.close()
        self._path.unlink(missing_ok=True)
