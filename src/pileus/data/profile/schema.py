"""The shape of a profile document. Values only: `document.py` writes, reads and checks."""

from __future__ import annotations

from typing import Literal

import msgspec

from pileus.data.schema import Kind, Task

SideName = Literal["train", "untouched", "whole"]


class Numbers(msgspec.Struct, frozen=True):
    """Finite numbers. Count, extremes, mean and deviation are of all of them."""

    count: int
    min: float
    max: float
    mean: float
    std: float
    percentiles: tuple[float, ...]
    """101 of them, 0 to 100: exact up to `sampling.capacity_of` rows, else of a sample."""

    histogram: tuple[int, ...]
    """Of the same rows, in bins of equal width between `min` and `max`."""


class NumberColumn(msgspec.Struct, frozen=True, tag_field="type", tag="number"):
    """A column of numbers; `numbers` is None when none is there."""

    name: str
    missing: int
    numbers: Numbers | None


class CategoryColumn(msgspec.Struct, frozen=True, tag_field="type", tag="category"):
    """A column of a small set of values, and how often each is there, most frequent first."""

    name: str
    missing: int
    distinct: int
    values: tuple[tuple[str, int], ...]


class TextColumn(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """A column of free text: lengths only, no examples."""

    name: str
    missing: int
    distinct: int
    characters: Numbers | None
    words: Numbers | None


Column = NumberColumn | CategoryColumn | TextColumn


class Images(msgspec.Struct, frozen=True):
    """What the images of a side are: sizes as a viewer shows them, bytes as they are stored."""

    modes: tuple[tuple[str, int], ...]
    formats: tuple[tuple[str, int], ...]
    """By the ending of the path, in lower case."""

    sizes: tuple[tuple[int, int, int], ...]
    """The most frequent: width, height, how many."""

    distinct_sizes: int
    width: Numbers
    height: Numbers
    aspect: Numbers
    """Width over height."""

    bytes: Numbers


class Side(msgspec.Struct, frozen=True):
    """One side of the split, or both together."""

    rows: int
    distinct_rows: int
    """Rows that differ; the others repeat one of them. Of images, by their bytes."""

    classes: tuple[tuple[str, int], ...] | None
    """Of a classification: rows of each class, in the order of the classes."""

    target: Numbers | None
    """Of a regression."""

    columns: tuple[Column, ...] | None
    """Of a table: the features, in the order of the manifest."""

    images: Images | None


class Profile(msgspec.Struct, frozen=True):
    """One profile of one dataset version."""

    schema: int
    profiler: int
    """Number of the profiler that wrote it: a newer one may know more."""

    version: str
    kind: Kind
    task: Task
    label: str | None
    train: Side
    untouched: Side
    whole: Side
    shared_rows: int
    """Different rows that are on both sides: what is measured on them flatters."""

    disputed_rows: int
    """Different images that are in more than one class; 0 for a table."""

    is_estimated: bool
    """Whether distinct rows were too many to count, so that their numbers are estimates."""

    def side(self, name: SideName) -> Side:
        """One of the three sides."""
        return {"train": self.train, "untouched": self.untouched, "whole": self.whole}[name]
