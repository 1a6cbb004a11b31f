"""
A dataset version as an attempt finds it: a directory with `manifest.json` and `packs/`.

Every item's bytes are compared with the manifest as they are read: what is trained on is what
the version's id says. Needs numpy and Pillow only; `rows.py` turns tables into numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pileus.data import images
from pileus.data.errors import VersionDamaged
from pileus.data.manifest import FILE_NAME, read_manifest
from pileus.data.rows import Table, read_table
from pileus.data.schema import Item, Manifest, Split


def open_version(directory: Path) -> LocalVersion:
    """The version in `directory`. Raises ManifestDamaged or VersionDamaged."""
    path = directory / FILE_NAME
    try:
        manifest = read_manifest(path.read_bytes())
        for pack in manifest.packs:
            path = directory / "packs" / pack.digest
            if path.stat().st_size != pack.size:
                raise _damaged(f"pack {pack.digest!r} does not have {pack.size:,} bytes")
    except OSError as error:
        raise _damaged(f"{path.name!r} cannot be read: {error.strerror}") from error
    return LocalVersion(directory, manifest)


class LocalVersion:
    """A dataset version on this machine's disk."""

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self._directory = directory

    def items(self, split: Split) -> list[Item]:
        """Items of one side, by path; an index into them is a row of `images`."""
        return self.manifest.of(split)

    def contents(self, split: Split) -> Iterator[tuple[Item, bytes]]:
        """Items of one side with their original bytes, in the order of `items`."""
        yield from self._read(self.items(split))

    def read(self, item: Item) -> bytes:
        """The original bytes of an item. Raises VersionDamaged."""
        ((_, data),) = self._read([item])
        return data

    def images(
        self, split: Split, size: tuple[int, int], mode: images.Mode
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Pixels [N, height, width, channels] at `size` (height, width), and indices of classes."""
        items = self.items(split)
        codes = {name: code for code, name in enumerate(self.manifest.classes or ())}
        channels = 1 if mode == "L" else 3
        pixels = np.empty((len(items), *size, channels), dtype=np.uint8)
        for row, (item, data) in enumerate(self._read(items)):
            decoded = images.decode(data, mode, item.path)
            pixels[row] = images.resize(decoded, size)
        labels = np.array([codes[item.label] for item in items], dtype=np.int64)
        return pixels, labels

    def table(self, split: Split) -> Table:
        """Features and target of one side. Raises ColumnUnusable or VersionDamaged."""
        return read_table(self.manifest, (data for _, data in self.contents(split)))

    def _read(self, items: Iterable[Item]) -> Iterator[tuple[Item, bytes]]:
        """Items with their bytes, pack by pack, each opened once."""
        for number, group in groupby(items, key=lambda item: item.pack):
            path = self._directory / "packs" / self.manifest.packs[number].digest
            try:
                stream = path.open("rb")
            except OSError as error:
                raise _damaged(f"{path.name!r} cannot be read: {error.strerror}") from error
            with stream:
                for item in group:
                    yield item, _bytes(stream, item)


def _bytes(stream: BinaryIO, item: Item) -> bytes:
    try:
        stream.seek(item.offset)
        data = stream.read(item.size)
    except OSError as error:
        raise _damaged(f"{item.path!r} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != item.sha256:
        raise _damaged(f"{item.path!r} is not the bytes that the manifest names")
    return data


def _damaged(what: str) -> VersionDamaged:
    return VersionDamaged(
        f"The dataset version is damaged: {what}", hint="Fetch it again, or ingest the data again."
    )
