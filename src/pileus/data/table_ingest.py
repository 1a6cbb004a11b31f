"""
Rows to items: one pass over the source into canonical lines, then the split, then parts.

Canonical lines are spooled to disk between the two, so that the source is read once and a table
larger than memory passes; about twelve bytes a row stay in memory.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pileus.data.cells import number, row_bytes
from pileus.data.columns import ColumnReader
from pileus.data.errors import SplitRefused, TableDamaged
from pileus.data.labels import LabelReader, label_column
from pileus.data.manifest import SCHEMA, version_id
from pileus.data.packing import Packer
from pileus.data.progress import Progress, Report
from pileus.data.schema import Item, Manifest, Rows, SplitRule, Task
from pileus.data.sources.source import Row, TableSource
from pileus.data.split import Mask, key, untouched_mask
from pileus.data.table_parts import PartWriter

_NAMES_FIRST = "If the first line is a row, put a line with the names of the columns before it."

_BATCH = 1000
"""Rows that are looked at column by column, and reported, at once."""


def ingest_table(
    source: TableSource,
    packer: Packer,
    scratch: Path,
    label: str | None,
    task: Task | None,
    seed: int,
    share: float,
    report: Report,
) -> tuple[Manifest, list[str]]:
    """The manifest of what `source` gives, and notices. Raises what reading raises."""
    where = source.name.partition(":")[2]
    rows = source.rows()
    names = _header(next(rows, None), where)
    index, choice = label_column(names, label or source.label)
    labels = LabelReader(names[index], where)
    columns = [ColumnReader(name) for name in names]
    spool = scratch / "rows.tmp"
    try:
        keys, lengths = _read(rows, where, index, columns, labels, spool, seed, report)
        decided = labels.task(task)
        classes = labels.classes(decided)
        _refuse_row_as_header(names, index, classes, where)
        features = columns[:index] + columns[index + 1 :]
        _refuse_empty(features)
        codes = None if classes is None else np.array(labels.codes(), dtype=np.int64)
        mask = untouched_mask(np.array(keys, dtype=np.uint64), codes, share)
        if not mask.any():
            raise SplitRefused(
                f"{where!r} has no two different rows of one class, so none can stay untouched",
                hint="Add rows.",
            )
        items = _parts(spool, lengths, mask, names, names[index], packer)
    finally:
        spool.unlink(missing_ok=True)
    chosen = int(mask.sum())
    manifest = Manifest(
        schema=SCHEMA,
        kind="table",
        id=version_id("table", items),
        label=names[index],
        task=decided,
        classes=classes,
        source=source.name,
        split=SplitRule(seed, share, "content" if classes is None else "stratified"),
        rows=Rows(len(mask) - chosen, chosen),
        columns=tuple(column.column() for column in features),
        image=None,
        packs=packer.close(),
        items=tuple(items),
    )
    notices = [choice] if choice and source.label is None else []
    if task is None and (reason := labels.choice(decided)):
        notices.append(reason)
    repeated = len(keys) - len(np.unique(np.array(keys, dtype=np.uint64)))
    if repeated:
        notices.append(
            f"Rows that repeat others: {repeated}; equal rows are on one side of the split"
        )
    return manifest, notices + _column_notices(features)


def _header(row: Row | None, where: str) -> list[str]:
    if row is None:
        raise TableDamaged(f"{where!r} is empty", hint="Give a CSV file with a header and rows.")
    names = [name.strip() for name in row.cells]
    if len(names) < 2:
        raise TableDamaged(
            f"{where!r}, line {row.line}: one column only, {names!r}",
            hint="A table needs a label and a feature, divided by comma, semicolon or tab.",
        )
    if "" in names:
        raise TableDamaged(
            f"{where!r}, line {row.line}: column {names.index('') + 1} of {len(names)} has no name",
            hint="Name it in the first line, or remove the column.",
        )
    numeric = any(number(name) is not None for name in names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableDamaged(
            f"{where!r}, line {row.line}: columns {twice!r} are there more than once",
            hint=_NAMES_FIRST if numeric else "Give each column a name of its own.",
        )
    if all(number(name) is not None for name in names):
        raise TableDamaged(
            f"{where!r}, line {row.line}: numbers where the names of columns should be",
            hint=_NAMES_FIRST,
        )
    return names


def _read(
    rows: Iterator[Row],
    where: str,
    index: int,
    columns: list[ColumnReader],
    labels: LabelReader,
    spool: Path,
    seed: int,
    report: Report,
) -> tuple[array[int], array[int]]:
    """Spool canonical lines; the split's key and the length of each."""
    keys, lengths = array("Q"), array("I")
    batch: list[list[str]] = []
    with spool.open("wb") as stream:
        for row in rows:
            if len(row.cells) != len(columns):
                raise TableDamaged(
                    f"{where!r}, line {row.line}: {len(row.cells)} cells for {len(columns)} columns",
                    hint="Correct the line; a cell that holds the delimiter needs double quotes.",
                )
            labels.see(row.line, row.cells[index])
            line = row_bytes(row.cells)
            stream.write(line)
            keys.append(key(seed, hashlib.sha256(line).digest()))
            lengths.append(len(line))
            batch.append(row.cells)
            if len(batch) == _BATCH:
                _see(columns, batch)
                report(Progress("read", len(keys), None, "rows"))
        _see(columns, batch)
    if not keys:
        raise TableDamaged(f"{where!r} has a header and no rows", hint="Add rows.")
    report(Progress("read", len(keys), len(keys), "rows"))
    return keys, lengths


def _see(columns: list[ColumnReader], batch: list[list[str]]) -> None:
    for column, cells in zip(columns, zip(*batch, strict=True), strict=False):
        column.see(cells)
    batch.clear()


def _refuse_row_as_header(
    names: list[str], index: int, classes: tuple[str, ...] | None, where: str
) -> None:
    numbers = [name for name in names if number(name) is not None]
    if numbers and names[index] in (classes or ()):
        raise TableDamaged(
            f"{where!r}, line 1: {names[index]!r} is a label, and {numbers[0]!r} a number,"
            " where the names of columns should be",
            hint=_NAMES_FIRST,
        )


def _refuse_empty(features: list[ColumnReader]) -> None:
    empty = [column.name for column in features if column.is_empty]
    if empty:
        raise TableDamaged(
            f"Columns {empty!r} have no value in any row",
            hint="Remove them from the file.",
        )


def _parts(
    spool: Path,
    lengths: array[int],
    mask: Mask,
    names: list[str],
    label: str,
    packer: Packer,
) -> list[Item]:
    """Cut the spooled lines into parts; the order of rows is the source's."""
    parts = PartWriter(names, label, packer)
    with spool.open("rb") as stream:
        for length, chosen in zip(lengths, mask.tolist(), strict=True):
            parts.add("untouched" if chosen else "train", stream.read(length))
    return parts.close()


def _column_notices(features: list[ColumnReader]) -> list[str]:
    notices: list[str] = []
    for reader in features:
        column = reader.column()
        if column.type == "text":
            notices.append(
                f"Column {column.name!r} is text with more than 100 distinct values; to train,"
                " drop it or map it to fewer"
            )
        if reader.stray_text is not None:
            notices.append(
                f"Column {column.name!r} has numbers, but counts as {column.type}"
                f" because of {reader.stray_text!r}"
            )
    return notices
