"""
The manifest: its id, its bytes, and whether what it says holds together.

The id is a digest of the items alone, so packing, profile, the name of the source and what was
skipped in it do not change it. The server reads manifests that clients made: nothing in one is
believed unchecked.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter

import msgspec

from pileus.data.errors import ManifestDamaged
from pileus.data.faults import MAX_KEPT, MAX_TEXT
from pileus.data.paths import path_fault
from pileus.data.schema import Column, Item, Kind, Manifest, Pack, SkippedParts

SCHEMA = 1
FILE_NAME = "manifest.json"
MAX_CATEGORIES = 100
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MAX_CODES = 100


def version_id(kind: Kind, items: Iterable[Item]) -> str:
    """`dsv_…` of these items, in whatever order they come."""
    # What was skipped is no content: a source with a bad line gives the rows, and so the version,
    # of the same source without it. The version keeps the list of whoever made it first.
    encode = msgspec.json.Encoder().encode
    digest = hashlib.sha256()
    digest.update(encode(["pileus.dataset", 1, kind]) + b"\n")
    for item in sorted(items, key=attrgetter("path")):
        line = encode((item.path, item.label, item.sha256, item.size, item.split))
        digest.update(line + b"\n")
    return "dsv_" + digest.hexdigest()[:40]


def write_manifest(manifest: Manifest) -> bytes:
    """The bytes of `manifest.json`: the same for the same manifest, on any machine."""
    return msgspec.json.encode(manifest)


def read_manifest(data: bytes) -> Manifest:
    """A manifest whose every statement was checked. Raises ManifestDamaged."""
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestDamaged(
            f"{FILE_NAME!r} is not a manifest: {error}",
            hint="Ingest the data again with this version of Pileus.",
        ) from error
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    if manifest.schema != SCHEMA:
        raise ManifestDamaged(
            f"The manifest has schema {manifest.schema!r}; this version reads {SCHEMA}",
            hint="Use the version of Pileus that wrote it, or a newer one.",
        )
    fault = (
        _packs_fault(manifest.packs)
        or _items_fault(manifest.items, manifest.packs)
        or _rows_fault(manifest)
        or _classes_fault(manifest)
        or (None if manifest.skipped is None else _skipped_fault(manifest.skipped))
        or (_table_fault(manifest) if manifest.kind == "table" else _images_fault(manifest))
        or _id_fault(manifest)
    )
    if fault:
        raise ManifestDamaged(
            f"The manifest contradicts itself: {fault}", hint="Ingest the data again."
        )


def _packs_fault(packs: Sequence[Pack]) -> str | None:
    for pack in packs:
        if not _SHA256.fullmatch(pack.digest) or pack.size < 1:
            return f"pack {pack.digest!r} of {pack.size} bytes"
    return None


def _items_fault(items: Sequence[Item], packs: Sequence[Pack]) -> str | None:
    before = ""
    for item in items:
        fault = path_fault(item.path)
        if fault:
            return f"path {item.path!r} {fault}"
        if item.path <= before:
            return f"path {item.path!r} is not after {before!r}"
        if not _SHA256.fullmatch(item.sha256):
            return f"{item.path!r} has SHA-256 {item.sha256!r}"
        if not 0 <= item.pack < len(packs):
            return f"{item.path!r} is in pack {item.pack!r} of {len(packs)}"
        if item.size < 1 or item.offset < 0 or item.offset + item.size > packs[item.pack].size:
            return f"{item.path!r} ends outside its pack"
        before = item.path
    return None


def _rows_fault(manifest: Manifest) -> str | None:
    rows, sides = manifest.rows, Counter(item.split for item in manifest.items)
    if rows.train < 1 or rows.untouched < 1 or not sides["train"] or not sides["untouched"]:
        return f"{rows.train} rows to train on and {rows.untouched} untouched"
    if manifest.kind == "images" and (rows.train, rows.untouched) != (
        sides["train"],
        sides["untouched"],
    ):
        return f"{rows.train} and {rows.untouched} rows, but {dict(sides)!r} items"
    return None


def _classes_fault(manifest: Manifest) -> str | None:
    classes = manifest.classes
    if manifest.task == "regression":
        return None if classes is None else "classes of a regression"
    if classes is None or len(classes) < 2 or len(set(classes)) != len(classes):
        return f"classes {classes!r}"
    return None


def _skipped_fault(skipped: SkippedParts) -> str | None:
    counts = [count for _, count in skipped.codes]
    if min(counts, default=0) < 1 or sum(counts) != skipped.total:
        return f"{skipped.total!r} skipped parts, and {sum(counts)!r} by their codes"
    codes = {code for code, _ in skipped.codes}
    if (
        len(codes) != len(counts)
        or len(counts) > _MAX_CODES
        or not all(map(_CODE.fullmatch, codes))
    ):
        return f"codes of skipped parts {sorted(codes)[:10]!r}"
    if len(skipped.first) > min(skipped.total, MAX_KEPT):
        return f"{len(skipped.first)} of {skipped.total} skipped parts are named"
    for part in skipped.first:
        if part.code not in codes or max(len(part.name), len(part.reason)) > MAX_TEXT:
            return f"a skipped part {part.name[:MAX_TEXT]!r} with code {part.code[:MAX_TEXT]!r}"
    return None


def _images_fault(manifest: Manifest) -> str | None:
    if manifest.task != "classification" or manifest.image is None:
        return "images without a profile, or not for classification"
    if manifest.columns is not None or manifest.label is not None:
        return "images with columns"
    strangers = {item.label for item in manifest.items} - set(manifest.classes or ())
    return f"labels {sorted(strangers)!r} are no class" if strangers else None


def _table_fault(manifest: Manifest) -> str | None:
    columns, label = manifest.columns, manifest.label
    if not columns or label is None or manifest.image is not None:
        return "a table without columns or label"
    names = [*(column.name for column in columns), label]
    if "" in names or len(set(names)) != len(names):
        return f"columns {names!r}"
    for column in columns:
        if not _values_hold(column):
            return f"column {column.name!r} of type {column.type!r} has values {column.values!r}"
    if any(item.label != label for item in manifest.items):
        return f"a part whose label is not {label!r}"
    return None


def _values_hold(column: Column) -> bool:
    values = column.values
    if column.type != "category":
        return values is None
    return (
        values is not None
        and 1 <= len(values) <= MAX_CATEGORIES
        and list(values) == sorted(set(values))
    )


def _id_fault(manifest: Manifest) -> str | None:
    computed = version_id(manifest.kind, manifest.items)
    return None if computed == manifest.id else f"id {manifest.id!r} is {computed!r} by its items"
