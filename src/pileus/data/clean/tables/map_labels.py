"""Renames classes in the label column."""

from __future__ import annotations

from pathlib import Path

from pileus.core.schemas.transform import MapLabels
from pileus.data.clean.classes import check_known
from pileus.data.clean.tables.cellwise import cellwise
from pileus.data.clean.tables.classes import classes_of
from pileus.data.clean.tables.stage import Change, Stage, changed
from pileus.data.clean.tally import Tally


def map_labels(step: MapLabels, stage: Stage, scratch: Path, seed: int) -> Change:
    del scratch, seed
    tally = Tally()
    check_known(step.labels, classes_of(stage))

    def mapped(cell: str) -> str:
        return step.labels.get(cell.strip(), cell)

    return changed(stage, cellwise(stage, {stage.label: mapped}, tally), tally, touched=frozenset())
