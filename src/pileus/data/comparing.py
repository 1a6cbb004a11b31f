"""Compares two dataset versions of a server: fetches manifests, profiles, and rows that differ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from pileus.data.cells import row_bytes
from pileus.data.difference import (
    SCHEMA,
    Contents,
    Difference,
    Figure,
    class_changes,
    column_changes,
    item_contents,
)
from pileus.data.errors import KindsDiffer
from pileus.data.manifest import read_manifest
from pileus.data.profile.distinct import Hashes, hashes
from pileus.data.profile.document import read_profile
from pileus.data.profile.drift import side_drift
from pileus.data.profile.schema import CategoryColumn, NumberColumn, Numbers, Profile, Side
from pileus.data.profile.tables import rows_of
from pileus.data.row_counting import RowCounting
from pileus.data.schema import Item, Manifest

if TYPE_CHECKING:
    from pileus.sdk import Client


class Source(Protocol):
    """What comparing needs of a server; the SDK has it."""

    def manifest(self, reference: str) -> bytes:
        """The manifest of a version."""
        ...

    def newest_profile(self, reference: str) -> bytes | None:
        """The newest profile document of a version, if it has one."""
        ...

    def pack(self, digest: str) -> bytes:
        """The bytes of a pack."""
        ...


def diff(client: Client, a: str, b: str) -> dict[str, Any]:
    """What changed from version A to B (`dsv_…`, `name`, `name@2`), as `Difference` in JSON.

    Compared here: manifests, profiles, and of tables the parts that differ are fetched.
    """
    found: dict[str, Any] = msgspec.to_builtins(compare(SdkSource(client), a, b))
    return found


class SdkSource:
    """What comparing needs of a server, by the SDK."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def manifest(self, reference: str) -> bytes:
        return self._client.blobs.get(self._client.datasets.version(reference)["manifest"])

    def newest_profile(self, reference: str) -> bytes | None:
        return self._client.datasets.newest_profile(reference)

    def pack(self, digest: str) -> bytes:
        return self._client.blobs.get(digest)


def compare(source: Source, a: str, b: str) -> Difference:
    """What changed from A to B. Raises KindsDiffer, and what the source raises."""
    before, after = read_manifest(source.manifest(a)), read_manifest(source.manifest(b))
    if before.kind != after.kind:
        raise KindsDiffer(
            f"{a!r} holds {before.kind} and {b!r} holds {after.kind}",
            hint="Compare versions of one kind.",
        )
    added, removed, changed = column_changes(before, after)
    new_classes, gone_classes = class_changes(before, after)
    profiles = _profile(source, a, before), _profile(source, b, after)
    old, new = (None if one is None else one.whole for one in profiles)
    return Difference(
        schema=SCHEMA,
        a=before.id,
        b=after.id,
        kind=before.kind,
        rows_before=(before.rows.train, before.rows.untouched),
        rows_after=(after.rows.train, after.rows.untouched),
        contents=(
            item_contents(before.items, after.items)
            if before.kind == "images"
            else row_contents(source, before, after)
        ),
        columns_added=added,
        columns_removed=removed,
        columns_changed=changed,
        classes_added=new_classes,
        classes_removed=gone_classes,
        figures=() if old is None or new is None else tuple(_figures(old, new)),
        drift=() if old is None or new is None else tuple(side_drift(old, new)),
    )


def row_contents(source: Source, before: Manifest, after: Manifest) -> Contents:
    """Rows by the columns that both have; a part that both have is not fetched."""
    names = [_names(before), _names(after)]
    same_columns = names[0] == names[1]
    shared: list[str] = [] if same_columns else sorted(names[0] & names[1])
    common = _keys(before) & _keys(after) if same_columns else set()
    unchanged = 0
    with RowCounting() as counting:
        for which, manifest in (("a", before), ("b", after)):
            seen = 0
            changed = [item for item in manifest.items if (item.sha256, item.split) not in common]
            for item, data in _fetched(source, manifest, changed):
                # Lines can be compared as they stand when both tables write columns in one order.
                shared = shared or list(next(rows_of(data))[0][0])
                for found in _hashes(data, shared):
                    counting.see(which, item.split, found)  # type: ignore[arg-type]
                    seen += len(found)
            unchanged = manifest.rows.train + manifest.rows.untouched - seen
        return counting.contents(unchanged, None if same_columns else shared)


def _profile(source: Source, reference: str, manifest: Manifest) -> Profile | None:
    data = source.newest_profile(reference)
    return None if data is None else read_profile(data, manifest)


def _names(manifest: Manifest) -> set[str]:
    return {*(column.name for column in manifest.columns or ()), str(manifest.label)}


def _keys(manifest: Manifest) -> set[tuple[str, str]]:
    return {(item.sha256, item.split) for item in manifest.items}


def _fetched(source: Source, manifest: Manifest, items: list[Item]) -> Iterator[tuple[Item, bytes]]:
    """Items with their bytes; one pack is held at a time."""
    ordered = sorted(items, key=lambda item: (item.pack, item.offset))
    for number, group in groupby(ordered, key=lambda item: item.pack):
        content = source.pack(manifest.packs[number].digest)
        for item in group:
            yield item, content[item.offset : item.offset + item.size]


def _hashes(part: bytes, names: list[str]) -> Iterator[Hashes]:
    """Hashes of the rows of a part, batch by batch, by these columns."""
    batches = rows_of(part)
    header = list(next(batches)[0][0])
    if header == names:
        yield from (found for _, found in batches)
        return
    order = [header.index(name) for name in names]
    for rows, _ in batches:
        yield hashes(row_bytes([row[index] for index in order]) for row in rows)


def _figures(a: Side, b: Side) -> Iterator[Figure]:
    others = {column.name: column for column in b.columns or ()}
    for column in a.columns or ():
        other = others.get(column.name)
        if other is None:
            continue
        yield Figure(f"{column.name} missing", column.missing / a.rows, other.missing / b.rows)
        if isinstance(column, NumberColumn) and isinstance(other, NumberColumn):
            yield from _pairs(column.name, column.numbers, other.numbers)
        elif isinstance(column, CategoryColumn) and isinstance(other, CategoryColumn):
            yield Figure(f"{column.name} distinct", column.distinct, other.distinct)
    yield from _pairs("label", a.target, b.target)
    counts = dict(b.classes or ())
    for name, count in a.classes or ():
        yield Figure(f"class {name}", count / a.rows, counts.get(name, 0) / b.rows)
    if a.images is not None and b.images is not None:
        for name in ("width", "height", "bytes"):
            yield from _pairs(name, getattr(a.images, name), getattr(b.images, name))


def _pairs(name: str, a: Numbers | None, b: Numbers | None) -> Iterator[Figure]:
    if a is None or b is None:
        return
    for what in ("mean", "std", "min", "max"):
        yield Figure(f"{name} {what}", getattr(a, what), getattr(b, what))
    yield Figure(f"{name} median", a.percentiles[50], b.percentiles[50])
