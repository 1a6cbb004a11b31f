"""Makes columns numbers, whole numbers or categories."""

from __future__ import annotations

from pathlib import Path

from pileus.core.schemas.transform import Cast
from pileus.data.cells import is_missing, number
from pileus.data.clean.errors import StepRefused
from pileus.data.clean.tables.cellwise import Cell, cellwise
from pileus.data.clean.tables.stage import Change, Stage, categories_of, changed
from pileus.data.clean.tally import Tally

_MISSING = ""


def cast(step: Cast, stage: Stage, scratch: Path, seed: int) -> Change:
    del scratch, seed
    tally = Tally()
    columns = stage.features(step.columns, "number", "category", "text")
    if step.to == "category":
        categories = categories_of(stage) | set(columns)
        cells: dict[str, Cell] = dict.fromkeys(columns, str.strip)
    else:
        categories = categories_of(stage) - set(columns)
        cells = {name: _number(step, name) for name in columns}
    return changed(
        stage, cellwise(stage, cells, tally), tally, touched=frozenset(cells), categories=categories
    )


def _number(step: Cast, name: str) -> Cell:
    def converted(cell: str) -> str:
        if is_missing(cell):
            return cell
        value = number(cell)
        if value is None:
            if step.failing == "missing":
                return _MISSING
            raise StepRefused(
                f"{cell!r} of column {name!r} is not a number",
                hint='Correct it, map it, or set failing = "missing" to leave such cells out.',
            )
        return cell.strip() if step.to == "number" else f"{round(value)}"

    return converted
