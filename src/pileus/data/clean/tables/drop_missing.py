"""Drops rows with missing cells."""

from __future__ import annotations

from pathlib import Path

from pileus.core.schemas.transform import DropMissing
from pileus.data.cells import is_missing
from pileus.data.clean.tables.keeping import keeping
from pileus.data.clean.tables.stage import Change, Stage, changed
from pileus.data.clean.tally import Tally


def drop_missing(step: DropMissing, stage: Stage, scratch: Path, seed: int) -> Change:
    del scratch, seed
    tally = Tally()
    columns = stage.features(step.columns, "number", "category", "text")
    indexes = [stage.index(name) for name in columns]
    fails = any if step.how == "any" else all
    rows = keeping(
        stage, lambda row: not fails(is_missing(row.cells[index]) for index in indexes), tally
    )
    return changed(stage, rows, tally)
