"""An `.npz` file of NumPy: a table of its rows, or images if each row is one of bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pileus.core.composing import composed
from pileus.data.cells import is_missing
from pileus.data.composing import notice
from pileus.data.errors import ArraysRefused
from pileus.data.faults import Faults
from pileus.data.image_facts import MAX_PIXELS, Facts
from pileus.data.labels import missing_label
from pileus.data.sources.cell_text import cell_text
from pileus.data.sources.npy_member import Archive, Array, Member
from pileus.data.sources.npz_sets import ArraySet, array_sets, ignored
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.reading import Witness
from pileus.data.sources.source import Row, SourceImage

_BLOCK_BYTES = 4_000_000
_BLOCK_CELLS = 250_000
"""Of a table: a number of one byte becomes a text of fifty."""

_NAMES = ("feature_names", "columns", "names")
"""An array of one of these names names the columns."""


def open_npz(path: Path, name: str, options: SourceOptions) -> NpzTable | NpzImages | None:
    """What is in the file. Raises ArraysRefused."""
    if not path.is_file() or not name.lower().endswith(".npz"):
        return None
    options.refuse_all_but((), "a file of arrays")
    arrays = _Arrays(path, name, options.scratch)
    first = arrays.sets[0].data
    if len(first.shape) == 2:
        return NpzTable(name, arrays)
    if len(first.shape) in {3, 4}:
        return NpzImages(name, arrays, options.faults)
    raise ArraysRefused(
        f"{name!r}: array {first.name!r} has shape {first.shape}",
        hint="A table has two axes (rows, columns), images three or four (and channels).",
    )


class NpzTable:
    """Rows of the data with their label."""

    kind: Literal["table"] = "table"
    unit: Literal["line", "row"] = "row"

    def __init__(self, name: str, arrays: _Arrays) -> None:
        self.name = f"npz:{name}"
        self._arrays = arrays
        labels = arrays.sets[0].labels
        self.label = labels and labels.name

    def rows(self) -> Iterator[Row]:
        with self._arrays.watching():
            yield from self._rows()

    def _rows(self) -> Iterator[Row]:
        names = self._arrays.column_names()
        yield Row(0, names if self.label is None else [*names, self.label])
        number = 0
        for one in self._arrays.sets:
            for data, labels in self._arrays.blocks(one):
                columns = [_texts(column) for column in data.T]
                if one.labels is not None:
                    columns.append(_texts(labels))
                for cells in zip(*columns, strict=True):
                    number += 1
                    yield Row(number, cells, one.given)


class NpzImages:
    """Grey or RGB images of one size, as PGM or PPM. One without a label is a fault."""

    kind: Literal["images"] = "images"

    def __init__(self, name: str, arrays: _Arrays, faults: Faults) -> None:
        self.name = f"npz:{name}"
        self.total = sum(one.data.rows for one in arrays.sets)
        self.notices = [f"Ignored arrays: {arrays.ignored!r}"] if arrays.ignored else []
        self._arrays = arrays
        self._file = name
        self._faults = faults
        self._facts = self._checked(arrays.sets[0])

    def images(self) -> Iterator[SourceImage]:
        with self._arrays.watching():
            yield from self._images()

    def _images(self) -> Iterator[SourceImage]:
        mode, width, height = self._facts
        magic, ending = (5, "pgm") if mode == "L" else (6, "ppm")
        header = b"P%d\n%d %d\n255\n" % (magic, width, height)
        digits = max(5, len(str(self.total)))
        before = apart = 0
        for one in self._arrays.sets:
            number = 0
            for pixels, labels in self._arrays.blocks(one):
                for picture, label in zip(pixels, _texts(labels), strict=True):
                    number += 1
                    if is_missing(label):
                        self._unlabelled(one, before + number, number - 1, label)
                        continue
                    name = composed(label)
                    apart += name != label
                    data = header + picture.tobytes()
                    yield SourceImage(
                        path=f"{one.part or 'images'}/{number:0{digits}d}.{ending}",
                        label=name,
                        data=data,
                        sha256=hashlib.sha256(data).hexdigest(),
                        facts=self._facts,
                        given=one.given,
                    )
            before += number
        if apart:
            self.notices.append(notice(apart, "Labels"))

    def _unlabelled(self, one: ArraySet, row: int, index: int, label: str) -> None:
        """`row` counts from 1 over all sets, as for tables; `index` is that of the array."""
        where = f"array {one.labels and one.labels.name!r} at index {index}"
        error = missing_label(f"{self._file!r}, row {row}", where, label, "row")
        self._faults.meet(error, self._file, row)

    def _checked(self, one: ArraySet) -> Facts:
        data = one.data
        if one.labels is None:
            raise self._refused(data, "has no array of labels beside it", "Add one named y.")
        if any(part.data.dtype != np.uint8 for part in self._arrays.sets):
            raise self._refused(
                data,
                f"holds pixels of type {data.dtype}, not uint8",
                "Bring them to 0..255 and save them with .astype('uint8').",
            )
        channels = data.shape[3] if len(data.shape) == 4 else 1
        if channels not in {1, 3}:
            raise self._refused(
                data,
                f"has {channels} channels, by its shape {data.shape}",
                "Images are (rows, height, width) or (rows, height, width, 1 or 3);"
                " np.moveaxis brings channels to the end.",
            )
        height, width = data.shape[1:3]
        if not 0 < height * width <= MAX_PIXELS:
            raise self._refused(data, f"has images of {width} x {height} pixels", "Resize them.")
        return Facts("L" if channels == 1 else "RGB", width, height)

    def _refused(self, data: Member, what: str, hint: str) -> ArraysRefused:
        return ArraysRefused(f"{self._file!r}: array {data.name!r} {what}", hint=hint)


class _Arrays:
    """The sets of a file, and their rows."""

    def __init__(self, path: Path, name: str, scratch: Path) -> None:
        self.watching = Witness(path, name).watching
        self._archive = Archive(path, name)
        self._members = self._archive.members()
        self.sets = array_sets(self._members, name)
        self._scratch = scratch
        self._naming = next((one for one in _NAMES if one in self._members), None)
        self.ignored = [one for one in ignored(self._members, self.sets) if one != self._naming]

    def blocks(self, one: ArraySet) -> Iterator[tuple[Array, Array]]:
        """Rows of the data with their labels, some at a time."""
        row_bytes = one.data.row_bytes + (one.labels.row_bytes if one.labels else 0)
        rows = _BLOCK_BYTES // max(1, row_bytes)
        if len(one.data.shape) == 2:
            rows = min(rows, _BLOCK_CELLS // max(1, one.data.shape[1]))
        rows = max(1, rows)
        data = self._archive.blocks(one.data, rows, self._scratch)
        if one.labels is None:
            for block in data:
                yield block, np.empty(0)
            return
        labels = self._archive.blocks(one.labels, rows, self._scratch)
        for block, some in zip(data, labels, strict=True):
            yield block, some.reshape(-1)

    def column_names(self) -> list[str]:
        """What an array of the file says, else `x1`, `x2` and so on."""
        width = self.sets[0].data.shape[1]
        naming = self._members.get(self._naming or "")
        if naming is not None and naming.shape == (width,):
            (names,) = self._archive.blocks(naming, width, self._scratch)
            return _texts(names)
        return [f"x{number}" for number in range(1, width + 1)]


def _texts(values: Array) -> list[str]:
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in values.tolist()]
    # Python's own numbers are faster to write; those of half and single precision are shorter.
    narrow = values.dtype.kind == "M" or (values.dtype.kind == "f" and values.itemsize != 8)
    found: Any = values if narrow else values.tolist()
    return [str(cell_text(value)) for value in found]
