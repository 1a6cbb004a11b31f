"""Canonical parts of a table → numbers for training: NaN is missing, categories are codes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pileus.data.cells import is_missing, number
from pileus.data.errors import ColumnUnusable, VersionDamaged
from pileus.data.schema import Column, Manifest

Target = NDArray[np.int64] | NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """One side of a table. `target` is int64 indices of `classes`, or float32 of a regression."""

    features: NDArray[np.float32]
    """[N, F]; NaN where a number is missing, -1 where a category is."""

    target: Target
    columns: tuple[Column, ...]
    classes: tuple[str, ...] | None


def read_table(manifest: Manifest, parts: Iterable[bytes]) -> Table:
    """The rows of `parts` as arrays. Raises ColumnUnusable or VersionDamaged."""
    columns = manifest.columns
    if columns is None:
        raise VersionDamaged(
            f"Dataset version {manifest.id!r} holds images, not a table",
            hint="Choose a recipe for images.",
        )
    _refuse_text(columns)
    features: list[NDArray[np.float32]] = []
    targets: list[Target] = []
    for part in parts:
        cells = _columns(part)
        wanted = [column.name for column in columns]
        if sorted(cells) != sorted([*wanted, str(manifest.label)]):
            raise VersionDamaged(
                f"A part has columns {list(cells)!r}, not those of the manifest",
                hint="Ingest the data again.",
            )
        features.append(np.stack([encode(cells[one.name], one) for one in columns], axis=1))
        targets.append(_target(cells[str(manifest.label)], manifest.classes))
    joined: NDArray[Any] = np.concatenate(targets)
    return Table(np.concatenate(features), joined, columns, manifest.classes)


def encode(cells: Sequence[str], column: Column) -> NDArray[np.float32]:
    """Cells of one column as a model sees them."""
    if column.type == "category":
        codes = {value: code for code, value in enumerate(column.values or ())}
        return np.array([codes.get(cell.strip(), -1) for cell in cells], dtype=np.float32)
    return np.array([_float(cell) for cell in cells], dtype=np.float32)


def _refuse_text(columns: Sequence[Column]) -> None:
    text = [
        f"{column.name!r} ({column.distinct} distinct)"
        for column in columns
        if column.type == "text"
    ]
    if text:
        raise ColumnUnusable(
            f"Text that is neither numbers nor up to 100 values, in columns {', '.join(text)}",
            hint="Drop the column from the file or map it to numbers or fewer values; ingest again.",
        )


def _columns(part: bytes) -> dict[str, Sequence[str]]:
    try:
        header, *rows = csv.reader(io.StringIO(part.decode(), newline=""), strict=True)
        return dict(zip(header, zip(*rows, strict=True), strict=True))
    except (ValueError, csv.Error) as error:
        raise VersionDamaged(
            f"A part of the table is not canonical CSV: {error}", hint="Ingest the data again."
        ) from error


def _target(cells: Sequence[str], classes: tuple[str, ...] | None) -> Target:
    if classes is None:
        return np.array([_float(cell) for cell in cells], dtype=np.float32)
    codes = {name: code for code, name in enumerate(classes)}
    try:
        return np.array([codes[cell.strip()] for cell in cells], dtype=np.int64)
    except KeyError as error:
        raise VersionDamaged(
            f"Label {error.args[0]!r} is no class of the manifest", hint="Ingest the data again."
        ) from error


def _float(cell: str) -> float:
    value = number(cell)
    if value is None and not is_missing(cell):
        raise VersionDamaged(f"{cell!r} is in a column of numbers", hint="Ingest the data again.")
    return float("nan") if value is None else value
