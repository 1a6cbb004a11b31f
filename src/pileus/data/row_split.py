"""
Which rows of a table stay untouched, without holding a number for each of them in memory.

The choice of `split.untouched_mask`: the lowest keys of each class. A row's label is part of its
content, so no content belongs to two classes and one threshold for each class says it all. Keys
are spread evenly, so they are dealt into buckets by their first bits, and sorted one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from pileus.data.row_index import NOT_GIVEN, UNTOUCHED, Entries, RowIndex
from pileus.data.split import Codes, Keys, Mask, untouched_count

_BUCKET_ROWS = 2_000_000
_MOST_BUCKETS = 256
_PAIR = np.dtype([("key", "<u8"), ("label", "<i4")])


class RowSplit:
    """The side of each row, and how many different rows each class has."""

    def __init__(self, last: Keys, distinct: Codes, *, is_given: bool) -> None:
        self.distinct = distinct
        self.is_given = is_given
        self._last = last
        self._has = np.array([untouched_count(count, 0.5) > 0 for count in distinct.tolist()])

    def untouched(self, entries: Entries) -> Mask:
        """True for each row that stays untouched."""
        if self.is_given:
            return np.asarray(entries["side"] == UNTOUCHED)
        labels = _labels(entries, len(self._last))
        return np.asarray((entries["key"] <= self._last[labels]) & self._has[labels])


def split_rows(index: RowIndex, classes: int | None, share: float, scratch: Path) -> RowSplit:
    """
    The split of all rows of `index`: `share` of the different rows of each class.

    Labels are codes below `classes`; with None, all rows are of one class. Sides that the source
    gave are kept.
    """
    codes = classes or 1
    with TemporaryDirectory(dir=scratch, prefix="buckets-") as folder:
        buckets = _deal(index, codes, Path(folder))
        counts = np.zeros((len(buckets), codes), dtype=np.int64)
        for number, bucket in enumerate(buckets):
            _, labels = _sorted(bucket)
            counts[number] = np.bincount(labels, minlength=codes)
        distinct = counts.sum(axis=0)
        wanted = np.array([untouched_count(count, share) for count in distinct.tolist()])
        last = _thresholds(buckets, counts, wanted)
    return RowSplit(last, distinct, is_given=_is_given(index))


def _deal(index: RowIndex, codes: int, folder: Path) -> list[Path]:
    number = min(max(1, -(-index.rows // _BUCKET_ROWS)), _MOST_BUCKETS)
    paths = [folder / str(bucket) for bucket in range(number)]
    for path in paths:
        path.touch()
    for entries in index.chunks():
        pairs: NDArray[np.void] = np.empty(len(entries), dtype=_PAIR)
        pairs["key"], pairs["label"] = entries["key"], _labels(entries, codes)
        # The first 32 bits, scaled to the number of buckets: rising with the key.
        places = ((pairs["key"] >> np.uint64(32)) * np.uint64(number) >> np.uint64(32)).astype("u1")
        order = np.argsort(places, kind="stable")
        ends = np.searchsorted(places[order], np.arange(number), side="right")
        for path, some in zip(paths, np.split(pairs[order], ends[:-1]), strict=True):
            if len(some):
                with path.open("ab") as stream:
                    stream.write(some.tobytes())
    return paths


def _sorted(bucket: Path) -> tuple[Keys, Codes]:
    """Different keys of a bucket, in order, with the label of each."""
    keys = np.empty(0, dtype=np.uint64)
    labels = np.empty(0, dtype=np.int32)
    for pairs in _pairs(bucket):
        # Joined block by block: the same row a million times takes no more memory than once.
        keys = np.concatenate([keys, pairs["key"]])
        labels = np.concatenate([labels, pairs["label"]])
        keys, first = np.unique(keys, return_index=True)
        labels = labels[first]
    return keys, labels.astype(np.int64)


def _pairs(bucket: Path) -> Iterator[NDArray[np.void]]:
    with bucket.open("rb") as stream:
        while data := stream.read(_BUCKET_ROWS * _PAIR.itemsize):
            yield np.frombuffer(data, dtype=_PAIR)


def _thresholds(buckets: list[Path], counts: NDArray[np.int64], wanted: Codes) -> Keys:
    """For each class, the key of the `wanted`-th different row."""
    last = np.zeros(len(wanted), dtype=np.uint64)
    until = counts.cumsum(axis=0)
    homes = (until < wanted).sum(axis=0)
    for number, bucket in enumerate(buckets):
        here = np.flatnonzero((homes == number) & (wanted > 0))
        if not len(here):
            continue
        keys, labels = _sorted(bucket)
        order = np.argsort(labels, kind="stable")
        starts = np.searchsorted(labels[order], here)
        before = until[number - 1, here] if number else np.zeros(len(here), dtype=np.int64)
        last[here] = keys[order[starts + wanted[here] - before - 1]]
    return last


def _labels(entries: Entries, codes: int) -> NDArray[np.int32]:
    return entries["label"] if codes > 1 else np.zeros(len(entries), dtype=np.int32)


def _is_given(index: RowIndex) -> bool:
    return any(bool((entries["side"] != NOT_GIVEN).any()) for entries in index.chunks())
