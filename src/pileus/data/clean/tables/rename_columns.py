"""Gives columns other names, the label column too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pileus.core.schemas.transform import RenameColumns
from pileus.data.clean.errors import StepRefused
from pileus.data.clean.tables.stage import Change, Row, Stage, categories_of, changed
from pileus.data.clean.tally import Tally


def rename_columns(step: RenameColumns, stage: Stage, scratch: Path, seed: int) -> Change:
    del scratch, seed
    tally = Tally()
    for old in step.names:
        stage.index(old)

    def new(name: str) -> str:
        return step.names.get(name, name).strip()

    names = tuple(new(name) for name in stage.names)
    twice = sorted({name for name in names if names.count(name) > 1 or not name})
    if twice:
        raise StepRefused(
            f"Columns would be called {twice!r} more than once, or have no name",
            hint="Give each column a name of its own.",
        )

    def rows() -> Iterator[Row]:
        for row in stage.rows():
            tally.rows_in += 1
            yield row

    categories = frozenset(new(name) for name in categories_of(stage))
    return changed(stage, rows(), tally, names=names, label=new(stage.label), categories=categories)
