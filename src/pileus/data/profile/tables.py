"""
The profile of a table, from its parts in the order of their paths.

A part is read in batches, so memory does not grow with the table; figures of both sides together
come from joining the two, so every cell is read once.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from pileus.data import schema
from pileus.data.cells import row_bytes
from pileus.data.errors import VersionDamaged
from pileus.data.profile.columns import ColumnReader, numbers_of, reader_of
from pileus.data.profile.distinct import ROWS, Distinct, Hashes, hashes
from pileus.data.profile.document import PROFILER, SCHEMA
from pileus.data.profile.numbers import NumberReader
from pileus.data.profile.sampling import capacity_of, places
from pileus.data.profile.schema import Profile, Side
from pileus.data.schema import Manifest, Split

_BATCH = 4096

Batch = tuple[Sequence[Sequence[str]], Hashes]


class TableProfiler:
    """Sees the parts of a table and describes both sides."""

    def __init__(
        self, columns: Sequence[schema.Column], label: str, classes: Sequence[str] | None
    ) -> None:
        self._classes = classes
        self._sides: dict[Split, _SideReader] = {
            "train": _SideReader("train", columns, label, classes),
            "untouched": _SideReader("untouched", columns, label, classes),
        }

    def see(self, split: Split, part: bytes) -> None:
        """Take note of a part: canonical CSV with its header. Raises VersionDamaged."""
        self._sides[split].see(part)

    def profile(self, manifest: Manifest) -> Profile:
        """What was seen, as the profile of this version."""
        train, untouched = self._sides["train"], self._sides["untouched"]
        whole = train.joined(untouched)
        return Profile(
            schema=SCHEMA,
            profiler=PROFILER,
            version=manifest.id,
            kind="table",
            task=manifest.task,
            label=manifest.label,
            train=train.side(),
            untouched=untouched.side(),
            whole=whole.side(),
            shared_rows=train.distinct.shared(untouched.distinct),
            disputed_rows=0,
            is_estimated=not whole.distinct.is_exact,
        )


class _SideReader:
    """Rows of one side."""

    def __init__(
        self,
        split: Split,
        columns: Sequence[schema.Column],
        label: str,
        classes: Sequence[str] | None,
    ) -> None:
        self.distinct = Distinct(ROWS)
        self._split = split
        self._label = label
        self._classes = classes
        self._columns = columns
        capacity = capacity_of(len(columns))
        self._readers: list[ColumnReader] = [reader_of(column, capacity) for column in columns]
        self._labels: Counter[str] = Counter()
        self._target = NumberReader()
        self._rows = 0

    def see(self, part: bytes) -> None:
        batches = rows_of(part)
        order = self._order(next(batches)[0][0])
        for rows, found in batches:
            at = places(self._split, self._rows, len(rows))
            cells = list(zip(*rows, strict=True))
            for reader, index in zip(self._readers, order, strict=False):
                reader.see(at, cells[index])
            labels = cells[order[-1]]
            if self._classes is None:
                self._target.see(at, numbers_of(labels))
            else:
                self._labels.update(labels)
            self.distinct.see(found)
            self._rows += len(rows)

    def joined(self, other: _SideReader) -> _SideReader:
        both = _SideReader(self._split, self._columns, self._label, self._classes)
        both.distinct = self.distinct.joined(other.distinct)
        both._readers = [a.joined(b) for a, b in zip(self._readers, other._readers, strict=True)]
        both._labels = self._labels + other._labels
        both._target = self._target.joined(other._target)
        both._rows = self._rows + other._rows
        return both

    def side(self) -> Side:
        labels: Counter[str] = Counter()
        for cell, count in self._labels.items():
            labels[cell.strip()] += count
        classes = self._classes
        return Side(
            rows=self._rows,
            distinct_rows=self.distinct.count(),
            classes=None if classes is None else tuple((name, labels[name]) for name in classes),
            target=self._target.numbers() if classes is None else None,
            columns=tuple(reader.column() for reader in self._readers),
            images=None,
        )

    def _order(self, header: Sequence[str]) -> list[int]:
        """Where the features and, last, the label are in a part."""
        try:
            return [list(header).index(c) for c in [*(c.name for c in self._columns), self._label]]
        except ValueError as error:
            raise _damaged(f"has columns {list(header)!r}: {error}") from error


def rows_of(part: bytes) -> Iterator[Batch]:
    """The header, then the rows of a part in batches, with the hash of each row's line.

    Raises VersionDamaged.
    """
    try:
        reader = csv.reader(io.StringIO(part.decode(), newline=""), strict=True)
        yield [next(reader)], np.empty(0, np.uint64)
        # Without a quote, a line is a row; else the canonical line is written again.
        lines = None if b'"' in part else islice(io.BytesIO(part), 1, None)
        while batch := list(islice(reader, _BATCH)):
            taken = map(row_bytes, batch) if lines is None else islice(lines, len(batch))
            yield batch, hashes(taken)
    except (ValueError, csv.Error, StopIteration) as error:
        raise _damaged(f"is not canonical CSV: {error}") from error


def _damaged(what: str) -> VersionDamaged:
    return VersionDamaged(f"A part of the table {what}", hint="Ingest the data again.")
