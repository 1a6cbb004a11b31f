"""
A profile as bytes, and whether what it says holds together and is of the version it names.

The server reads profiles that clients computed: nothing in one is believed unchecked.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from pileus.data import schema
from pileus.data.errors import ProfileDamaged
from pileus.data.manifest import MAX_CATEGORIES
from pileus.data.profile.schema import (
    CategoryColumn,
    Column,
    Images,
    NumberColumn,
    Numbers,
    Profile,
    Side,
)
from pileus.data.schema import Manifest

SCHEMA = 1
PROFILER = 1
FILE_NAME = "profile.json"

MAX_BYTES = 64 * 1024 * 1024
"""Of one document: a table of 7,000 columns of numbers fits."""

_TYPES = {"NumberColumn": "number", "CategoryColumn": "category", "TextColumn": "text"}


def write_profile(profile: Profile) -> bytes:
    """The bytes of the document: the same for the same profile, on any machine."""
    return msgspec.json.encode(profile)


def read_profile(data: bytes, manifest: Manifest | None = None) -> Profile:
    """A profile whose every statement was checked, against `manifest` too. Raises ProfileDamaged."""
    try:
        profile = msgspec.json.decode(data, type=Profile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProfileDamaged(
            f"This is no profile: {error}", hint="Profile the version again with this Pileus."
        ) from error
    if profile.schema != SCHEMA:
        raise ProfileDamaged(
            f"The profile has schema {profile.schema!r}; this version reads {SCHEMA}",
            hint="Use the version of Pileus that wrote it, or a newer one.",
        )
    fault = _fault(profile) or (None if manifest is None else _mismatch(profile, manifest))
    if fault:
        raise ProfileDamaged(
            f"The profile does not hold together: {fault}",
            hint="Profile the version again: pileus dataset profile NAME --again.",
        )
    return profile


def _fault(profile: Profile) -> str | None:
    sides = {"train": profile.train, "untouched": profile.untouched, "whole": profile.whole}
    for name, side in sides.items():
        fault = _side_fault(side, profile)
        if fault:
            return f"{name}: {fault}"
    whole = profile.train.rows + profile.untouched.rows
    if profile.whole.rows != whole:
        return f"{profile.whole.rows} rows, and {whole} on its sides"
    if profile.profiler < 1 or min(profile.shared_rows, profile.disputed_rows) < 0:
        return "a number below zero"
    if max(profile.shared_rows, profile.disputed_rows) > whole:
        return f"{profile.shared_rows} shared and {profile.disputed_rows} disputed of {whole} rows"
    return None


def _side_fault(side: Side, profile: Profile) -> str | None:
    if side.rows < 1 or not 1 <= side.distinct_rows <= side.rows:
        return f"{side.distinct_rows} different of {side.rows} rows"
    if (side.columns is None) is (profile.kind == "table") or (side.images is None) is (
        profile.kind == "images"
    ):
        return f"not what a profile of {profile.kind!r} holds"
    if (side.classes is None) is (profile.task == "classification"):
        return f"not what a {profile.task} has"
    if side.classes is not None and not _adds_up(side.classes, side.rows):
        return f"classes that do not add up to {side.rows} rows"
    faults: Iterable[str | None] = (
        None if profile.task == "classification" else _count_fault(side.target, side.rows),
        *(_column_fault(column, side.rows) for column in side.columns or ()),
        None if side.images is None else _images_fault(side.images, side.rows),
    )
    return next(filter(None, faults), None)


def _column_fault(column: Column, rows: int) -> str | None:
    present = rows - column.missing
    if not 0 <= present <= rows:
        return f"column {column.name!r} lacks {column.missing} of {rows} values"
    if isinstance(column, NumberColumn):
        fault = _count_fault(column.numbers, present)
    elif isinstance(column, CategoryColumn):
        is_whole = _adds_up(column.values, present) and len(column.values) == column.distinct
        fault = None if is_whole and column.distinct <= MAX_CATEGORIES else "values do not add up"
    else:
        fault = _count_fault(column.characters, present) or _count_fault(column.words, present)
        if not fault and not min(present, 1) <= column.distinct <= present:
            fault = f"{column.distinct} different of {present} texts"
    return f"column {column.name!r}: {fault}" if fault else None


def _images_fault(images: Images, rows: int) -> str | None:
    if sum(count for *_, count in images.sizes) > rows or not images.sizes:
        return f"sizes of more or fewer than {rows} images"
    if any(min(size) < 1 for size in images.sizes) or images.distinct_sizes < len(images.sizes):
        return "a size below one"
    for counts in (images.modes, images.formats):
        if not counts or any(count < 1 for _, count in counts) or _sum(counts) > rows:
            return f"counts {counts!r} of {rows} images"
    numbers = (images.width, images.height, images.aspect, images.bytes)
    return next(filter(None, (_count_fault(one, rows) for one in numbers)), None)


def _count_fault(numbers: Numbers | None, present: int) -> str | None:
    if (numbers.count if numbers else 0) != present:
        return f"{numbers.count if numbers else 0} numbers where {present} are present"
    return _numbers_fault(numbers)


def _numbers_fault(numbers: Numbers | None) -> str | None:
    if numbers is None:
        return None
    points = numbers.percentiles
    figures = (numbers.min, numbers.max, numbers.mean, numbers.std, *points)
    if not all(map(math.isfinite, figures)):
        return "a figure that is not finite"
    if len(points) != 101 or list(points) != sorted(points):
        return "percentiles that are not 101 in order"
    if (points[0], points[-1]) != (numbers.min, numbers.max) or numbers.std < 0:
        return "percentiles that do not reach from minimum to maximum"
    counts = numbers.histogram
    if not counts or len(counts) > 1000 or min(counts) < 0 or sum(counts) > numbers.count:
        return "a histogram of more than the rows"
    return None


def _mismatch(profile: Profile, manifest: Manifest) -> str | None:
    named = (profile.version, profile.kind, profile.task, profile.label)
    if named != (manifest.id, manifest.kind, manifest.task, manifest.label):
        return f"it is of {profile.version!r}, and not of version {manifest.id!r}"
    rows = (profile.train.rows, profile.untouched.rows)
    if rows != (manifest.rows.train, manifest.rows.untouched):
        return f"{rows[0]} and {rows[1]} rows, and the version has other numbers"
    for side in (profile.train, profile.untouched, profile.whole):
        if tuple(name for name, _ in side.classes or ()) != (manifest.classes or ()):
            return "classes that are not those of the version"
        if not _are_same(side.columns or (), manifest.columns or ()):
            return "columns that are not those of the version"
    if manifest.kind == "images":
        for split, side in (("train", profile.train), ("untouched", profile.untouched)):
            counted = Counter(item.label for item in manifest.items if item.split == split)
            if any(counted[name] != count for name, count in side.classes or ()):
                return f"classes of {split!r} that are counted otherwise in the version"
    return None


def _are_same(columns: Sequence[Column], wanted: Sequence[schema.Column]) -> bool:
    found = [(column.name, _TYPES[type(column).__name__]) for column in columns]
    if found != [(column.name, column.type) for column in wanted]:
        return False
    return all(
        {value for value, _ in column.values} <= set(known.values or ())
        for column, known in zip(columns, wanted, strict=True)
        if isinstance(column, CategoryColumn)
    )


def _adds_up(counts: Sequence[tuple[str, int]], total: int) -> bool:
    names = {name for name, _ in counts}
    return (
        len(names) == len(counts)
        and _sum(counts) == total
        and all(count >= 0 for _, count in counts)
    )


def _sum(counts: Sequence[tuple[str, int]]) -> int:
    return sum(count for _, count in counts)
