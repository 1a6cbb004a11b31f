"""
A table between two steps: rows of text on disk, the untouched ones first.

Only what a column holds and how many rows there are stay in memory. Untouched rows come first so
that of equal rows on both sides the one that judges stays, and training does not see it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from pileus.core.schemas.transform import Columns
from pileus.data.cells import number
from pileus.data.clean.errors import StepRefused
from pileus.data.clean.tally import Tally
from pileus.data.columns import ColumnReader
from pileus.data.load import LocalVersion
from pileus.data.manifest import MAX_CATEGORIES
from pileus.data.schema import Column, Split

_BATCH = 1000


class Row(NamedTuple):
    """The cells of one row, in the order of the stage's names."""

    split: Split
    cells: list[str]


Rows = Callable[[], Iterator[Row]]


@dataclass(frozen=True)
class Stage:
    """What a step reads. `columns` are the features, by name."""

    names: tuple[str, ...]
    label: str
    is_classification: bool
    columns: Mapping[str, Column]
    rows: Rows
    empty: frozenset[str] = frozenset()
    """Columns without a value in any row."""

    def index(self, name: str) -> int:
        """Where a column is. Raises StepRefused."""
        if name not in self.names:
            raise StepRefused(
                f"There is no column {name!r}",
                hint=f"Columns: {', '.join(map(repr, self.names[:50]))}.",
            )
        return self.names.index(name)

    def features(self, wanted: Columns, *types: str) -> list[str]:
        """Feature columns of these types: all, or the wanted ones. Raises StepRefused."""
        if wanted is None:
            return [name for name, column in self.columns.items() if column.type in types]
        for name in wanted:
            self.index(name)
            if name == self.label:
                raise StepRefused(
                    f"{name!r} is the label, which predictions are made in the units of",
                    hint="Name feature columns only; `map_labels` renames classes.",
                )
            if self.columns[name].type not in types:
                raise StepRefused(
                    f"Column {name!r} holds {_HOLDS[self.columns[name].type]}, and this step needs"
                    f" {' or '.join(_HOLDS[one] for one in types)}",
                    hint="Cast or map it in a step before, or leave it out.",
                )
        return list(wanted)


_HOLDS = {"number": "numbers", "category": "categories", "text": "free text"}


@dataclass(frozen=True)
class Change:
    """What a step makes of a stage; `rows` are read once."""

    rows: Iterator[Row]
    tally: Tally
    names: tuple[str, ...]
    label: str
    categories: frozenset[str]
    """Columns that are categories even where all of their values are numbers."""

    touched: frozenset[str] | None = None
    """Columns whose cells may be others than before; None where rows go, or names change."""

    fitted: dict[str, Any] = field(default_factory=dict)


def opened(version: LocalVersion) -> Stage:
    """A dataset version as the first stage; its rows are read from its parts."""
    manifest = version.manifest
    label = str(manifest.label)
    names = _header(version)

    def rows() -> Iterator[Row]:
        splits: tuple[Split, ...] = ("untouched", "train")
        for split in splits:
            for _, data in version.contents(split):
                reader = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
                next(reader)
                for cells in reader:
                    yield Row(split, cells)

    columns = {column.name: column for column in manifest.columns or ()}
    return Stage(names, label, manifest.task == "classification", columns, rows)


def changed(stage: Stage, rows: Iterator[Row], tally: Tally, **other: Any) -> Change:
    """A change that keeps columns and label, less what `other` says."""
    unchanged = {
        "names": stage.names,
        "label": stage.label,
        "categories": categories_of(stage),
    }
    return Change(rows, tally, **(unchanged | other))


def categories_of(stage: Stage) -> frozenset[str]:
    """Columns that are categories by somebody's word: their values alone would be numbers."""
    return frozenset(
        name
        for name, column in stage.columns.items()
        if column.type == "category"
        and all(number(value) is not None for value in column.values or ())
    )


def written(path: Path, stage: Stage, change: Change, check: Callable[[], None]) -> Stage:
    """The next stage, with its rows at `path`. `check` is called now and then and may raise."""
    looked_at = change.names if change.touched is None else change.touched
    readers = {name: ColumnReader(name) for name in change.names if name in looked_at}
    places = [(change.names.index(name), reader) for name, reader in readers.items()]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        while batch := list(islice(change.rows, _BATCH)):
            check()
            for row in batch:
                change.tally.rows_out[row.split] += 1
            writer.writerows([row.split, *row.cells] for row in batch)
            for index, reader in places:
                reader.see(row.cells[index] for row in batch)
    return Stage(
        change.names,
        change.label,
        stage.is_classification,
        {
            name: _column(readers[name], is_category=name in change.categories)
            if name in readers
            else stage.columns[name]
            for name in change.names
            if name != change.label
        },
        _reading(path),
        frozenset(
            name
            for name in change.names
            if (readers[name].is_empty if name in readers else name in stage.empty)
        ),
    )


def _reading(path: Path) -> Rows:
    def rows() -> Iterator[Row]:
        with path.open(encoding="utf-8", newline="") as stream:
            for split, *cells in csv.reader(stream, strict=True):
                yield Row("train" if split == "train" else "untouched", cells)

    return rows


def _column(reader: ColumnReader, *, is_category: bool) -> Column:
    if not is_category:
        return reader.column()
    values = reader.values
    if len(values) > MAX_CATEGORIES:
        raise StepRefused(
            f"Column {reader.name!r} has more than {MAX_CATEGORIES} values, too many for categories",
            hint="Map its values to fewer first, or leave it a number.",
        )
    return Column(reader.name, "category", values=values)


def _header(version: LocalVersion) -> tuple[str, ...]:
    (first, *_) = version.items("train")
    reader: Iterable[list[str]] = csv.reader(io.StringIO(version.read(first).decode(), newline=""))
    return tuple(next(iter(reader)))
