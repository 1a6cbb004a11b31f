"""Drops feature columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pileus.core.schemas.transform import DropColumns
from pileus.data.clean.errors import StepRefused
from pileus.data.clean.tables.stage import Change, Row, Stage, categories_of, changed
from pileus.data.clean.tally import Tally


def drop_columns(step: DropColumns, stage: Stage, scratch: Path, seed: int) -> Change:
    del scratch, seed
    tally = Tally()
    dropped = set(stage.features(step.columns, "number", "category", "text"))
    if step.texts:
        dropped |= set(stage.features(None, "text"))
    if dropped == set(stage.columns):
        raise StepRefused(
            "No feature column would be left", hint="Keep at least one to learn from."
        )
    kept = [at for at, name in enumerate(stage.names) if name not in dropped]

    def rows() -> Iterator[Row]:
        for row in stage.rows():
            tally.rows_in += 1
            yield Row(row.split, [row.cells[at] for at in kept])

    names = tuple(stage.names[at] for at in kept)
    categories = categories_of(stage) - dropped
    return changed(stage, rows(), tally, names=names, categories=categories, touched=frozenset())
