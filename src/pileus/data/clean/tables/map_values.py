"""Replaces values of one column by others."""

from __future__ import annotations

from pathlib import Path

from pileus.core.schemas.transform import MapValues
from pileus.data.cells import is_missing
from pileus.data.clean.tables.cellwise import cellwise
from pileus.data.clean.tables.stage import Change, Stage, changed
from pileus.data.clean.tally import Tally


def map_values(step: MapValues, stage: Stage, scratch: Path, seed: int) -> Change:
    del scratch, seed
    tally = Tally()
    (column,) = stage.features((step.column,), "number", "category", "text")

    def mapped(cell: str) -> str:
        found = step.values.get(cell.strip())
        if found is not None:
            return found
        return cell if step.otherwise is None or is_missing(cell) else step.otherwise

    return changed(
        stage, cellwise(stage, {column: mapped}, tally), tally, touched=frozenset({column})
    )
