"""Which arrays of an `.npz` file are the data, which the labels, and on which side they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pileus.data.errors import ArraysRefused
from pileus.data.schema import Split
from pileus.data.sources.npy_member import Member

_DATA = ("x", "data", "features", "feature", "images", "image", "samples")
_LABELS = ("y", "labels", "label", "target", "targets", "classes")
_SIDES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "train",
    "valid": "train",
    "validation": "train",
    "test": "untouched",
    "testing": "untouched",
}
"""Validation comes out of the training part, so what a file sets aside for it is joined to that."""

_HINT = (
    "Name them X and y, or x_train, y_train, x_test and y_test:"
    " np.savez_compressed('data.npz', X=features, y=labels)."
)


@dataclass(frozen=True)
class ArraySet:
    """Data of one side; `part` is what the file calls the side, `given` is None without sides."""

    part: str
    given: Split | None
    data: Member
    labels: Member | None


def array_sets(members: Mapping[str, Member], where: str) -> list[ArraySet]:
    """The sets of a file, those to train on first. Raises ArraysRefused."""
    roles: dict[tuple[str, Literal["data", "labels"]], Member] = {}
    for name, member in members.items():
        role = _role(name)
        if role is None:
            continue
        if role in roles:
            raise _refused(where, f"both {roles[role].name!r} and {name!r} may be its {role[1]}")
        roles[role] = member
    parts = [part for part, what in roles if what == "data"]
    if not parts:
        raise _refused(where, f"none of its arrays {sorted(members)!r} is named like data")
    if "" in parts and len(parts) > 1:
        raise _refused(where, f"it has data with and without a side: {sorted(members)!r}")
    given = any(_SIDES.get(part) == "untouched" for part in parts)
    order = sorted(parts, key=lambda part: list(_SIDES).index(part) if part else 0)
    sets = [
        ArraySet(
            part,
            _SIDES[part] if part and given else None,
            roles[part, "data"],
            roles.get((part, "labels")),
        )
        for part in order
    ]
    _check(sets, where)
    return sets


def ignored(members: Mapping[str, Member], sets: list[ArraySet]) -> list[str]:
    """Names of arrays that belong to no set."""
    used = {one.data.name for one in sets}
    used |= {one.labels.name for one in sets if one.labels is not None}
    return sorted(set(members) - used)


def _role(name: str) -> tuple[str, Literal["data", "labels"]] | None:
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if word]
    sides = [word for word in words if word in _SIDES]
    rest = [word for word in words if word not in _SIDES]
    if len(rest) != 1 or len(sides) > 1:
        return None
    part = sides[0] if sides else ""
    if rest[0] in _DATA:
        return part, "data"
    return (part, "labels") if rest[0] in _LABELS else None


def _check(sets: list[ArraySet], where: str) -> None:
    for one in sets:
        data, labels = one.data, one.labels
        if not data.rows:
            raise _refused(where, f"array {data.name!r} of shape {data.shape} is empty")
        if data.shape[1:] != sets[0].data.shape[1:]:
            first = sets[0].data
            raise _refused(
                where,
                f"{first.name!r} has shape {first.shape} and {data.name!r} {data.shape}",
            )
        if (labels is None) != (sets[0].labels is None):
            raise _refused(where, f"not every set has labels: {data.name!r}")
        if labels is None:
            continue
        if labels.rows != data.rows or any(size != 1 for size in labels.shape[1:]):
            raise _refused(
                where,
                f"{labels.name!r} of shape {labels.shape} is not one label for each of the"
                f" {data.rows:,} rows of {data.name!r}",
            )


def _refused(where: str, why: str) -> ArraysRefused:
    return ArraysRefused(f"{where!r}: {why}", hint=_HINT)
