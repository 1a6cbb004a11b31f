"""
Rows to items: one pass over the source into canonical lines, then the split, then parts.

Canonical lines and what the split needs to know of them are spooled to disk between the two, so
that the source is read once and memory does not grow with the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from pileus.core.errors import PileusError
from pileus.data.cells import plain_rows, row_bytes
from pileus.data.columns import ColumnReader
from pileus.data.errors import SplitRefused, TableDamaged
from pileus.data.faults import Faults
from pileus.data.labels import LabelReader, label_column
from pileus.data.manifest import SCHEMA, version_id
from pileus.data.packing import Packer
from pileus.data.profile.tables import TableProfiler
from pileus.data.progress import Progress, Report
from pileus.data.row_composing import RowComposer, are_ascii
from pileus.data.row_index import NOT_GIVEN, TRAIN, UNTOUCHED, RowIndex
from pileus.data.row_split import RowSplit, split_rows
from pileus.data.schema import Manifest, SplitHow, SplitRule, Task
from pileus.data.sources.source import Row, TableSource
from pileus.data.split import keys_of
from pileus.data.table_header import header, refuse_row_as_header
from pileus.data.table_parts import PartWriter

_BATCH = 1000
"""Rows that are looked at column by column, and reported, at once."""

_SIDES = {None: NOT_GIVEN, "train": TRAIN, "untouched": UNTOUCHED}
_NAMED_CLASSES = 10


def ingest_table(
    source: TableSource,
    packer: Packer,
    scratch: Path,
    label: str | None,
    task: Task | None,
    seed: int,
    share: float,
    report: Report,
    faults: Faults,
) -> tuple[Manifest, list[str], TableProfiler]:
    """The manifest of what `source` gives, notices, and what saw all rows.

    Raises what reading raises.
    """
    where = source.name.partition(":")[2]
    rows = source.rows()
    names = header(next(rows, None), where)
    index, choice = label_column(names, label or source.label)
    table = _Table(where, source.unit, names, index, task, faults)
    spool = scratch / "rows.tmp"
    try:
        with RowIndex(scratch / "index.tmp") as entries:
            table.read(rows, spool, entries, seed, report)
            decided = table.labels.task()
            classes = table.labels.classes(decided)
            features = table.features()
            codes = None if classes is None else len(classes)
            split = split_rows(entries, codes, share, scratch)
            described = tuple(column.column() for column in features)
            profiler = TableProfiler(described, names[index], classes)
            parts = PartWriter(names, names[index], packer, profiler.see)
            parts.add_spooled(spool, entries, split)
            items, counts = parts.close(), parts.rows
    finally:
        spool.unlink(missing_ok=True)
    _refuse_one_side(counts.train, counts.untouched, where)
    how: SplitHow = "content" if classes is None else "stratified"
    manifest = Manifest(
        schema=SCHEMA,
        kind="table",
        id=version_id("table", items),
        label=names[index],
        task=decided,
        classes=classes,
        source=source.name,
        split=SplitRule(seed, share, "given" if split.is_given else how),
        rows=counts,
        columns=described,
        image=None,
        packs=packer.close(),
        items=tuple(items),
    )
    notices = [choice] if choice and source.label is None else []
    if task is None and (reason := table.labels.choice(decided)):
        notices.append(reason)
    if classes is not None and not split.is_given:
        notices += _lone_notices(split, table.labels.names)
    repeated = counts.train + counts.untouched - int(split.distinct.sum())
    if repeated:
        sides = "" if split.is_given else "; equal rows are on one side of the split"
        notices.append(f"Rows that repeat others: {repeated}{sides}")
    notices += table.composer.notices()
    return manifest, notices + _column_notices(features), profiler


class _Table:
    """What is learned of a table while its rows go by."""

    def __init__(
        self,
        where: str,
        unit: str,
        names: list[str],
        index: int,
        task: Task | None,
        faults: Faults,
    ) -> None:
        self.labels = LabelReader(names[index], where, unit, task)
        self.composer = RowComposer(names)
        self._columns = [ColumnReader(name) for name in names]
        self._where = where
        self._unit = unit
        self._names = names
        self._index = index
        self._faults = faults

    def features(self) -> list[ColumnReader]:
        """The columns without the label. Raises TableDamaged if one is empty."""
        features = self._columns[: self._index] + self._columns[self._index + 1 :]
        empty = [column.name for column in features if column.is_empty]
        if empty:
            raise TableDamaged(
                f"Columns {empty!r} have no value in any row",
                hint="Remove them from the file.",
            )
        return features

    def read(
        self, rows: Iterator[Row], spool: Path, index: RowIndex, seed: int, report: Report
    ) -> None:
        """Spool canonical lines, and note of each what the split needs."""
        with spool.open("wb") as stream:
            while batch := self._batch(rows):
                kept, lines, codes = self._checked(batch)
                stream.writelines(lines)
                sides = [_SIDES[row.given] for row in kept]
                index.add(keys_of(seed, lines), list(map(len, lines)), codes, sides)
                self._note([row.cells for row in kept])
                report(Progress("read", index.rows, None, "rows"))
        if not index.rows:
            raise TableDamaged(f"{self._where!r} has a header and no rows", hint="Add rows.")
        report(Progress("read", index.rows, index.rows, "rows"))

    def _batch(self, rows: Iterator[Row]) -> list[Row]:
        batch: list[Row] = []
        try:
            batch.extend(islice(rows, _BATCH))
        except PileusError:
            self._checked(batch)  # a fault in a row before is the one to tell
            raise
        return batch

    def _checked(self, rows: list[Row]) -> tuple[list[Row], list[bytes], list[int]]:
        """The rows that can be used, with the line and the code of the label of each."""
        lines = self._plain(rows)
        if lines is None or not are_ascii(lines):
            composed = self.composer.composed(rows)
            if composed is not rows:
                rows, lines = composed, self._plain(composed)
        if lines is not None:
            codes = self.labels.see_all([row.cells[self._index] for row in rows])
            if codes is not None:
                return rows, lines, codes
        kept, lines, codes = [], [], []
        for row in rows:
            try:
                line = self._line(row)
                code = self.labels.see(row.line, row.cells[self._index])
            except PileusError as error:
                self._faults.meet(error, self._where, row.line)
                continue
            kept.append(row)
            lines.append(line)
            codes.append(code)
        return kept, lines, codes

    def _plain(self, rows: list[Row]) -> list[bytes] | None:
        return plain_rows([row.cells for row in rows], len(self._columns))

    def _line(self, row: Row) -> bytes:
        cells, width = row.cells, len(self._columns)
        if len(cells) != width:
            raise self._damaged(
                row,
                f"{len(cells)} cells for {width} columns",
                "Correct it; a cell that holds the delimiter needs double quotes.",
            )
        try:
            line = row_bytes(cells)
        except UnicodeEncodeError as error:
            raise self._damaged(row, "it holds half a character", "Correct it.") from error
        if b"\0" in line:
            raise self._damaged(row, "it holds a zero byte", "Remove it.")
        return line

    def _note(self, rows: list[Sequence[str]]) -> None:
        for column, cells in zip(self._columns, zip(*rows, strict=True), strict=False):
            column.see(cells)
        label = self._names[self._index]
        if self.labels.knows(label):
            refuse_row_as_header(self._names, label, self._where)

    def _damaged(self, row: Row, what: str, hint: str) -> TableDamaged:
        return TableDamaged(
            f"{self._where!r}, {self._unit} {row.line}: {what}",
            hint=f"{hint} --skip-bad passes over it.",
        )


def _refuse_one_side(train: int, untouched: int, where: str) -> None:
    if not untouched:
        raise SplitRefused(
            f"{where!r} has no two different rows of one class, so none can stay untouched",
            hint="Add rows.",
        )
    if not train:
        raise SplitRefused(f"{where!r} has no row to train on", hint="Add rows.")


def _lone_notices(split: RowSplit, names: list[str]) -> list[str]:
    lone = [name for name, count in zip(names, split.distinct.tolist(), strict=True) if count == 1]
    if not lone:
        return []
    named = ", ".join(map(repr, sorted(lone)[:_NAMED_CLASSES]))
    more = f" and {len(lone) - _NAMED_CLASSES:,} more" if len(lone) > _NAMED_CLASSES else ""
    what = "Classes with one different row, which is trained on, so that evaluation cannot judge"
    return [f"{what} them: {named}{more}"]


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
