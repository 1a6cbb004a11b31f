"""Drops rows that equal an earlier one, in all cells or in some columns."""

from __future__ import annotations

from pathlib import Path

from pileus.core.schemas.transform import DropDuplicates
from pileus.data.cells import row_bytes
from pileus.data.clean.first import Contents
from pileus.data.clean.tables.keeping import masked
from pileus.data.clean.tables.stage import Change, Stage, changed
from pileus.data.clean.tally import Tally


def drop_duplicates(step: DropDuplicates, stage: Stage, scratch: Path, seed: int) -> Change:
    del scratch, seed
    tally = Tally()
    indexes = [stage.index(name) for name in step.columns or stage.names]
    contents = Contents()
    for row in stage.rows():
        contents.add(row_bytes([row.cells[index] for index in indexes]))
    return changed(stage, masked(stage, contents.first(), tally), tally)
