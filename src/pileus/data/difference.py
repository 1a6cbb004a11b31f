"""
What changed between two dataset versions: contents, schema, classes, statistics.

Values and pure functions; `comparing.py` fetches what they need.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from pileus.data.profile.drift import Drift
from pileus.data.schema import Column, Item, Kind, Manifest

SCHEMA = 1
MAX_EXAMPLES = 1000
"""So many items are named of each change; the counts are of all."""


class Contents(msgspec.Struct, frozen=True):
    """How many rows or images changed, and of images which."""

    added: int
    removed: int
    moved: int
    """In both, on another side of the split."""

    relabelled: int
    renamed: int
    unchanged: int
    by_columns: tuple[str, ...] | None = None
    """Of a table whose columns changed: the ones that rows were compared by."""

    examples: dict[str, tuple[str, ...]] = {}
    """`added`, `removed`, `moved`, `relabelled` → paths of images."""


class ColumnChange(msgspec.Struct, frozen=True):
    """A column that both have and that is not the same."""

    name: str
    before: str
    after: str
    """Types."""

    new_values: tuple[str, ...]
    gone_values: tuple[str, ...]


class Figure(msgspec.Struct, frozen=True):
    """One statistic, side by side."""

    name: str
    before: float | None
    after: float | None


class Difference(msgspec.Struct, frozen=True):
    """What B has and A has not, and the other way round."""

    schema: int
    a: str
    b: str
    kind: Kind
    rows_before: tuple[int, int]
    """To train on, untouched."""

    rows_after: tuple[int, int]
    contents: Contents
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    columns_changed: tuple[ColumnChange, ...]
    classes_added: tuple[str, ...]
    classes_removed: tuple[str, ...]
    figures: tuple[Figure, ...]
    drift: tuple[Drift, ...]
    """Empty when a version has no profile."""

    @property
    def is_empty(self) -> bool:
        """Whether the two have the same content."""
        return self.a == self.b


def item_contents(before: Sequence[Item], after: Sequence[Item]) -> Contents:
    """Changes of images, told by their bytes: a path is only a name."""
    old, new = _by_content(before), _by_content(after)
    counts: Counter[str] = Counter()
    named: dict[str, list[str]] = defaultdict(list)

    def note(change: str, items: Iterable[Item]) -> None:
        for item in items:
            counts[change] += 1
            if change in {"added", "removed", "moved", "relabelled"}:
                named[change].append(item.path)

    for content in old.keys() | new.keys():
        # Equal items pair off first, then those that differ in ever more.
        left, right = old.get(content, []), new.get(content, [])
        left, right, _ = _paired(left, right, lambda i: (i.path, i.label, i.split))
        same = len(new.get(content, [])) - len(right)
        counts["unchanged"] += same
        left, right, renamed = _paired(left, right, lambda i: (i.label, i.split))
        note("renamed", renamed)
        left, right, moved = _paired(left, right, lambda i: i.label)
        note("moved", moved)
        pairs = min(len(left), len(right))
        note("relabelled", right[:pairs])
        note("moved", (b for a, b in zip(left, right, strict=False) if a.split != b.split))
        note("removed", left[pairs:])
        note("added", right[pairs:])
    return Contents(
        added=counts["added"],
        removed=counts["removed"],
        moved=counts["moved"],
        relabelled=counts["relabelled"],
        renamed=counts["renamed"],
        unchanged=counts["unchanged"],
        examples={change: tuple(sorted(paths)[:MAX_EXAMPLES]) for change, paths in named.items()},
    )


def column_changes(
    before: Manifest, after: Manifest
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[ColumnChange, ...]]:
    """Columns added, removed and changed."""
    old, new = _columns(before), _columns(after)
    changed = [
        ColumnChange(
            name,
            old[name].type,
            new[name].type,
            _without(new[name].values, old[name].values),
            _without(old[name].values, new[name].values),
        )
        for name in new
        if name in old and (old[name].type, old[name].values) != (new[name].type, new[name].values)
    ]
    return (
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        tuple(changed),
    )


def class_changes(before: Manifest, after: Manifest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Classes added and removed."""
    return (
        _without(after.classes, before.classes),
        _without(before.classes, after.classes),
    )


def _by_content(items: Iterable[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        found[item.sha256].append(item)
    return found


def _paired(
    left: list[Item], right: list[Item], key: Callable[[Item], object]
) -> tuple[list[Item], list[Item], list[Item]]:
    """What is left of both after pairing off items of equal key, and the pairs' right ones."""
    waiting = Counter(map(key, left))
    paired = [item for item in right if _take(waiting, key(item))]
    taken = Counter(map(key, paired))
    rest_left = [item for item in left if not _take(taken, key(item))]
    chosen = set(map(id, paired))
    return rest_left, [item for item in right if id(item) not in chosen], paired


def _take(counts: Counter[object], key: object) -> bool:
    if not counts[key]:
        return False
    counts[key] -= 1
    return True


def _columns(manifest: Manifest) -> dict[str, Column]:
    return {column.name: column for column in manifest.columns or ()}


def _without(values: tuple[str, ...] | None, others: tuple[str, ...] | None) -> tuple[str, ...]:
    known = set(others or ())
    return tuple(value for value in values or () if value not in known)
