"""Cuts spooled rows into the parts that are a table's items, thousands of rows at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pileus.data.packing import Packer
from pileus.data.row_index import RowIndex
from pileus.data.row_split import RowSplit
from pileus.data.schema import Item, Rows, Split

PART_BYTES = 8_000_000
"""Ids depend on where parts end: a different number makes different versions of equal data."""

_BLOCK_ROWS = 50_000


def cut_parts(
    spool: Path,
    index: RowIndex,
    split: RowSplit,
    header: bytes,
    label: str,
    packer: Packer,
    see: Callable[[Split, bytes], None],
) -> tuple[list[Item], Rows]:
    """
    Items of both sides, by path, and the rows of each; the order of rows is the source's.

    `see` is shown each part, which is canonical CSV with its header.
    """
    train = _Side("train", header, label, packer, see)
    untouched = _Side("untouched", header, label, packer, see)
    with spool.open("rb") as stream:
        for chunk in index.chunks():
            for start in range(0, len(chunk), _BLOCK_ROWS):
                entries = chunk[start : start + _BLOCK_ROWS]
                lengths = entries["length"].astype(np.int64)
                data = np.frombuffer(stream.read(int(lengths.sum())), dtype=np.uint8)
                chosen = split.untouched(entries)
                inside = np.repeat(chosen, lengths)
                untouched.add(data[inside], lengths[chosen])
                train.add(data[~inside], lengths[~chosen])
    items = [*train.close(), *untouched.close()]
    return sorted(items, key=lambda item: item.path), Rows(train.rows, untouched.rows)


class _Side:
    """The parts of one side."""

    def __init__(
        self,
        split: Split,
        header: bytes,
        label: str,
        packer: Packer,
        see: Callable[[Split, bytes], None],
    ) -> None:
        self.rows = 0
        self._split: Split = split
        self._header = header
        self._label = label
        self._packer = packer
        self._see = see
        self._items: list[Item] = []
        self._part = bytearray(header)

    def add(self, data: NDArray[np.uint8], lengths: NDArray[np.int64]) -> None:
        """Rows, one after the other. A part has at least one, and no more than PART_BYTES else."""
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
        self._see(self._split, data)
        path = f"{self._split}/part-{len(self._items):05d}.csv"
        place = self._packer.add(data, hashlib.sha256(data).hexdigest())
        self._items.append(Item(path, self._label, *place[:2], self._split, *place[2:]))
        self._part = bytearray(self._header)
