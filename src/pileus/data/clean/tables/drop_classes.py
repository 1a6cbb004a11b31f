"""Drops the rows of some classes."""

from __future__ import annotations

from pathlib import Path

from pileus.core.schemas.transform import DropClasses
from pileus.data.clean.classes import check_known
from pileus.data.clean.tables.classes import classes_of
from pileus.data.clean.tables.keeping import keeping
from pileus.data.clean.tables.stage import Change, Stage, changed
from pileus.data.clean.tally import Tally


def drop_classes(step: DropClasses, stage: Stage, scratch: Path, seed: int) -> Change:
    del scratch, seed
    tally = Tally()
    check_known(step.classes, classes_of(stage))
    index, dropped = stage.index(stage.label), set(step.classes)
    rows = keeping(stage, lambda row: row.cells[index].strip() not in dropped, tally)
    return changed(stage, rows, tally)
