"""Canonical lines to the parts of a table: what an item of it holds, and where one ends."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pileus.data.cells import row_bytes
from pileus.data.packing import Packer
from pileus.data.schema import Item, Split

PART_BYTES = 8_000_000
"""Ids depend on where parts end: a different number makes different versions of equal data."""


class PartWriter:
    """Cuts the lines of both sides into parts; their order is the order of the rows."""

    def __init__(self, names: Sequence[str], label: str, packer: Packer) -> None:
        self._header = row_bytes(names)
        self._label = label
        self._packer = packer
        self._parts = {side: _Part(side, self._header) for side in _SIDES}
        self._items: list[Item] = []

    def add(self, split: Split, line: bytes) -> None:
        """One canonical line of a side."""
        part = self._parts[split]
        if part.size and len(self._header) + part.size + len(line) > PART_BYTES:
            self._put(part)
        part.add(line)

    def close(self) -> list[Item]:
        """Items by path, the last of each side too."""
        for part in self._parts.values():
            self._put(part)
        return sorted(self._items, key=lambda item: item.path)

    def _put(self, part: _Part) -> None:
        path, data = part.take()
        place = self._packer.add(data, hashlib.sha256(data).hexdigest())
        self._items.append(Item(path, self._label, *place[:2], part.split, *place[2:]))


class _Part:
    """Lines of one side that are not yet an item."""

    def __init__(self, split: Split, header: bytes) -> None:
        self.split: Split = split
        self.size = 0
        self._header = header
        self._lines: list[bytes] = []
        self._number = 0

    def add(self, line: bytes) -> None:
        self._lines.append(line)
        self.size += len(line)

    def take(self) -> tuple[str, bytes]:
        """Path and bytes of the part, which is then empty."""
        path = f"{self.split}/part-{self._number:05d}.csv"
        data = self._header + b"".join(self._lines)
        self._lines, self.size, self._number = [], 0, self._number + 1
        return path, data


_SIDES: tuple[Split, ...] = ("train", "untouched")
