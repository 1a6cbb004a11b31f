"""
What a dataset version is, item by item; the shape of `manifest.json`.

Values only: `manifest.py` computes the id, writes, reads and checks.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = Literal["images", "table"]
Task = Literal["classification", "regression"]
Split = Literal["train", "untouched"]
SplitHow = Literal["stratified", "content", "given", "grouped", "time"]


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One image, or one part of a table, and where its bytes are.

    There are many, and they hold text and numbers only, so the collector needs not look at them.
    """

    path: str
    label: str
    sha256: str
    size: int
    split: Split
    pack: int
    offset: int


class Pack(msgspec.Struct, frozen=True):
    """A blob that holds the bytes of items."""

    digest: str
    size: int


class Rows(msgspec.Struct, frozen=True):
    """How many rows each side of the split has; a row of `images` is an image."""

    train: int
    untouched: int


class SplitRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the split came about; `given` means by the source itself."""

    seed: int
    untouched: float
    how: SplitHow
    by: str | None = None
    """Of `grouped` and `time`: the column, or for images the pattern on their paths."""


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """One feature column. A `text` column can be stored and not trained on."""

    name: str
    type: Literal["number", "category", "text"]
    values: tuple[str, ...] | None = None
    """Of a category: the value at index i has code i."""

    distinct: int | None = None
    """Of a text: how many distinct values it has, counted up to 1,000."""


class ImageProfile(msgspec.Struct, frozen=True):
    """Pixel modes, and the most frequent sizes as (width, height, count)."""

    modes: tuple[str, ...]
    sizes: tuple[tuple[int, int, int], ...]


class SkippedPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part of the source that was left out: a file, or a line (or row, from 1) of a file."""

    name: str
    code: str
    reason: str
    line: int | None = None


class SkippedParts(msgspec.Struct, frozen=True):
    """What was left out of a version because it could not be used."""

    total: int
    codes: tuple[tuple[str, int], ...]
    """How many parts were left out with the same code, most frequent first."""

    first: tuple[SkippedPart, ...]


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """`manifest.json`. Items are sorted by path; `columns` are the features, without the label."""

    schema: int
    kind: Kind
    id: str
    label: str | None
    task: Task
    classes: tuple[str, ...] | None
    source: str
    split: SplitRule
    rows: Rows
    columns: tuple[Column, ...] | None
    image: ImageProfile | None
    packs: tuple[Pack, ...]
    items: tuple[Item, ...]
    transform: dict[str, Any] | None = None
    """Of a version that a transform made: its source, its steps, and what they were fitted to."""

    skipped: SkippedParts | None = None
    """What the source had and this version has not; None when nothing was left out."""

    @property
    def size_bytes(self) -> int:
        """Bytes of all items, as they were before packing."""
        return sum(item.size for item in self.items)

    def of(self, split: Split) -> list[Item]:
        """Items of one side, by path."""
        return [item for item in self.items if item.split == split]
