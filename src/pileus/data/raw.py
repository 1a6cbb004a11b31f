"""
Rows as people have them, against rows of a cleaned version: what its transform did to cells.

A model is asked with the former and was trained on the latter, so it carries the changes itself.
What fills, clips and scales is known here; values that were mapped or cast by somebody's word are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pileus.data.cells import number
from pileus.data.errors import VersionDamaged
from pileus.data.schema import Column, Manifest


class Fill(NamedTuple):
    """Takes the place of a missing cell."""

    value: str


class Clip(NamedTuple):
    """Bounds that numbers are brought to."""

    low: float
    high: float


class Scale(NamedTuple):
    """(value - centre) / scale."""

    centre: float
    scale: float


CellChange = Fill | Clip | Scale
_ORDER: Sequence[type[CellChange]] = (Fill, Clip, Scale)


@dataclass(frozen=True)
class Round:
    """One change of each kind for every column, in the order fill, clip, scale."""

    fill: NDArray[np.float64]
    """NaN for a column in which nothing is filled in."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]


def cell_changes(manifest: Manifest) -> dict[str, list[CellChange]]:
    """Column of the version → what was done to its cells, in order. Raises VersionDamaged."""
    changes: dict[str, list[CellChange]] = {}
    try:
        for step in _steps(manifest.transform):
            _take(step, changes)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise VersionDamaged(
            f"Version {manifest.id!r} does not say properly how it was cleaned: {error!r}",
            hint="Clean its source again.",
        ) from error
    return changes


def rounds(manifest: Manifest) -> list[Round]:
    """The changes as arrays over the feature columns; none for a version that was ingested."""
    columns = manifest.columns or ()
    changes = cell_changes(manifest)
    found: list[Round] = []
    for index, column in enumerate(columns):
        place, last = -1, len(_ORDER)
        for change in changes.get(column.name, ()):
            kind = _ORDER.index(type(change))
            if kind <= last:
                place += 1
            last = kind
            if place == len(found):
                found.append(_empty(len(columns)))
            _put(found[place], index, column, change)
    return found


def undone(features: NDArray[np.float32], done: Sequence[Round]) -> NDArray[np.float32]:
    """Rows of which the changes make `features` again."""
    values = features.astype(np.float64)
    for one in reversed(done):
        values = values * one.scale + one.centre
    return values.astype(np.float32)


def _steps(transform: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """Of the version and, before, of those that it was made from."""
    if transform is not None:
        yield from _steps(transform.get("before"))
        yield from transform["steps"]


def _take(step: Mapping[str, Any], changes: dict[str, list[CellChange]]) -> None:
    fitted = step.get("fitted", {})
    name = step["step"]
    if name == "impute":
        for column, value in fitted["values"].items():
            changes.setdefault(column, []).append(Fill(str(value)))
    elif name == "clip":
        for column, (low, high) in fitted["bounds"].items():
            changes.setdefault(column, []).append(Clip(float(low), float(high)))
    elif name == "normalise":
        for column, found in fitted["columns"].items():
            scale = Scale(float(found["centre"]), float(found["scale"]))
            changes.setdefault(column, []).append(scale)
    elif name == "rename_columns":
        moved = {new: changes.pop(old) for old, new in step["names"].items() if old in changes}
        changes |= {new.strip(): found for new, found in moved.items()}
    elif name in {"map_values", "cast", "drop_columns"}:
        # From here on the column is what somebody made of it, and is asked for like that.
        for column in [step["column"]] if name == "map_values" else step["columns"]:
            changes.pop(column, None)


def _empty(width: int) -> Round:
    return Round(
        np.full(width, np.nan),
        np.full(width, -np.inf),
        np.full(width, np.inf),
        np.zeros(width),
        np.ones(width),
    )


def _put(into: Round, index: int, column: Column, change: CellChange) -> None:
    if isinstance(change, Fill):
        values = list(column.values or ())
        if change.value in values:
            into.fill[index] = values.index(change.value)
        elif column.type == "number":
            value = number(change.value)
            into.fill[index] = np.nan if value is None else value
    elif isinstance(change, Clip):
        into.low[index], into.high[index] = change
    else:
        into.centre[index], into.scale[index] = change
