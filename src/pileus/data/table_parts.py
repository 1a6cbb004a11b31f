"""Canonical lines to the parts of a table: what an item of it holds, and where one ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pileus.data.cells import row_bytes
from pileus.data.packing import Packer
from pileus.data.row_index import RowIndex
from pileus.data.row_split import RowSplit
from pileus.data.schema import Item, Rows, Split

PART_BYTES = 8_000_000
"""Ids depend on where parts end: a different number makes different versions of equal data."""

_BLOCK_BYTES = PART_BYTES

See = Callable[[Split, bytes], None]
"""Is shown each part, which is canonical CSV with its header."""


class PartWriter:
    """Cuts the lines of both sides into parts; their order is the order of the rows."""

    def __init__(
        self, names: Sequence[str], label: str, packer: Packer, see: See | None = None
    ) -> None:
        header = row_bytes(names)
        self._train = _Side("train", header, label, packer, see)
        self._untouched = _Side("untouched", header, label, packer, see)

    def add(self, split: Split, line: bytes) -> None:
        """One canonical line of a side."""
        side = self._train if split == "train" else self._untouched
        side.add_line(line)

    def add_spooled(self, spool: Path, index: RowIndex, split: RowSplit) -> None:
        """The lines of a file, some megabytes at a time, each on the side that the split says."""
        with spool.open("rb") as stream:
            for chunk in index.chunks():
                all_lengths = chunk["length"].astype(np.int64)
                # A block is what begins in the same `_BLOCK_BYTES`: at least a line.
                blocks = (np.cumsum(all_lengths) - all_lengths) // _BLOCK_BYTES
                starts = np.flatnonzero(np.diff(blocks)) + 1
                all_chosen = split.untouched(chunk)
                for lengths, chosen in zip(
                    np.split(all_lengths, starts), np.split(all_chosen, starts), strict=True
                ):
                    data = np.frombuffer(stream.read(int(lengths.sum())), dtype=np.uint8)
                    inside = np.repeat(chosen, lengths)
                    self._untouched.add_lines(data[inside], lengths[chosen])
                    self._train.add_lines(data[~inside], lengths[~chosen])

    def close(self) -> list[Item]:
        """Items by path, the last of each side too."""
        items = [*self._train.close(), *self._untouched.close()]
        return sorted(items, key=lambda item: item.path)

    @property
    def rows(self) -> Rows:
        """How many lines each side has had."""
        return Rows(self._train.rows, self._untouched.rows)


class _Side:
    """The parts of one side."""

    def __init__(
        self, split: Split, header: bytes, label: str, packer: Packer, see: See | None
    ) -> None:
        self.rows = 0
        self._split: Split = split
        self._header = header
        self._label = label
        self._packer = packer
        self._see = see
        self._items: list[Item] = []
        self._part = bytearray(header)

    def add_line(self, line: bytes) -> None:
        self.rows += 1
        if len(self._part) > len(self._header) and len(self._part) + len(line) > PART_BYTES:
            self._put()
        self._part += line

    def add_lines(self, data: NDArray[np.uint8], lengths: NDArray[np.int64]) -> None:
        """Lines, one after the other. A part has at least one, and no more than PART_BYTES else."""
        self.rows += len(lengths)
        ends = np.cumsum(lengths)
        first = done = 0
        while first < len(lengths):
            room = PART_BYTES - len(self._part) + done
            fitting = int(np.searchsorted(ends, room, side="right"))
            if fitting <= first:
                if len(self._part) > len(self._header):
                    self._put()
                    continue
                fitting = first + 1
            end = int(ends[fitting - 1])
            self._part += data[done:end].tobytes()
            first, done = fitting, end

    def close(self) -> list[Item]:
        """All items of the side."""
        if len(self._part) > len(self._header):
            self._put()
        return self._items

    def _put(self) -> None:
        data = bytes(self._part)
        if self._see is not None:
            self._see(self._split, data)
        path = f"{self._split}/part-{len(self._items):05d}.csv"
        place = self._packer.add(data, hashlib.sha256(data).hexdigest())
        self._items.append(Item(path, self._label, *place[:2], self._split, *place[2:]))
        self._part = bytearray(self._header)
