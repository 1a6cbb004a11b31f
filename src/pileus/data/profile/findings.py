"""What a person should notice in a profile, worst first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from pileus.data.profile.drift import side_drift
from pileus.data.profile.schema import CategoryColumn, Column, NumberColumn, Profile

MANY_MISSING = 0.5
IMBALANCE = 10
"""The largest class has more than so many rows for one of the smallest."""

FEW_ROWS = 10
_NAMED = 5

Level = Literal["warning", "note"]


class Finding(msgspec.Struct, frozen=True):
    """One sentence about one column, class or side."""

    level: Level
    text: str


def findings(profile: Profile) -> list[Finding]:
    """Warnings first, then notes."""
    found = [
        *_leaks(profile),
        *_columns(profile),
        *_classes(profile),
        *_sides(profile),
        *_repeats(profile),
    ]
    return sorted(found, key=lambda one: one.level == "note")


def _leaks(profile: Profile) -> Iterator[Finding]:
    unit = "images" if profile.kind == "images" else "rows"
    if profile.shared_rows:
        yield Finding(
            "warning",
            f"{profile.shared_rows:,} {unit} are in training and in the untouched split:"
            " evaluation will look better than it is",
        )
    if profile.disputed_rows:
        yield Finding("warning", f"{profile.disputed_rows:,} images are in more than one class")


def _columns(profile: Profile) -> Iterator[Finding]:
    for column in profile.whole.columns or ():
        share = column.missing / profile.whole.rows
        if share > MANY_MISSING:
            yield Finding("warning", f"Column {column.name!r}: {share:.0%} of values are missing")
        if _is_constant(column):
            yield Finding(
                "warning", f"Column {column.name!r} has one value only, so it says nothing"
            )


def _is_constant(column: Column) -> bool:
    if isinstance(column, NumberColumn):
        return column.numbers is not None and column.numbers.min == column.numbers.max
    if isinstance(column, CategoryColumn):
        return column.distinct == 1 and not column.missing
    return False


def _classes(profile: Profile) -> Iterator[Finding]:
    classes = profile.whole.classes
    if not classes:
        return
    largest = max(classes, key=lambda one: one[1])
    smallest = min(classes, key=lambda one: one[1])
    if largest[1] > IMBALANCE * smallest[1]:
        yield Finding(
            "warning",
            f"Classes are unbalanced: {largest[0]!r} has {largest[1]:,} rows,"
            f" {smallest[0]!r} {smallest[1]:,}",
        )
    few = [name for name, count in classes if count < FEW_ROWS]
    if few:
        yield Finding("warning", f"Classes with fewer than {FEW_ROWS} rows: {_listed(few)}")
    for side, what in ((profile.train, "to train on"), (profile.untouched, "untouched")):
        none = [name for name, count in side.classes or () if not count]
        if none:
            yield Finding("warning", f"Classes without a row {what}: {_listed(none)}")


def _sides(profile: Profile) -> Iterator[Finding]:
    for drift in side_drift(profile.train, profile.untouched):
        if drift.level != "none":
            yield Finding(
                "warning" if drift.level == "strong" else "note",
                f"{drift.name!r} differs between training and untouched rows"
                f" (PSI {drift.psi:.2f}{'' if drift.ks is None else f', KS {drift.ks:.2f}'})",
            )


def _repeats(profile: Profile) -> Iterator[Finding]:
    repeated = profile.whole.rows - profile.whole.distinct_rows
    if repeated:
        about = "about " if profile.is_estimated else ""
        unit = "images repeat others byte for byte" if profile.kind == "images" else "rows repeat"
        yield Finding("note", f"{about}{repeated:,} {unit}")
    sizes = profile.whole.images
    if sizes is not None and sizes.distinct_sizes > 1:
        yield Finding("note", f"Images have {sizes.distinct_sizes:,} different sizes")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more
