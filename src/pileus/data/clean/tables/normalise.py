"""Brings number columns to one scale: (value - centre) / scale, both from the training part."""

from __future__ import annotations

from pathlib import Path

from pileus.core.schemas.transform import Normalise
from pileus.data.cells import number
from pileus.data.clean.tables.cellwise import Cell, cellwise
from pileus.data.clean.tables.fitting import Numbers, fitted_numbers, rounded, written_number
from pileus.data.clean.tables.stage import Change, Stage, changed
from pileus.data.clean.tally import Tally


def normalise(step: Normalise, stage: Stage, scratch: Path, seed: int) -> Change:
    del seed
    tally = Tally()
    with fitted_numbers(stage, stage.features(step.columns, "number"), scratch) as numbers:
        scales = {name: _scale(step, found) for name, found in numbers.items()}
    cells = {name: _scaling(centre, scale) for name, (centre, scale) in scales.items()}
    fitted = {
        "columns": {
            name: {"centre": centre, "scale": scale} for name, (centre, scale) in scales.items()
        }
    }
    return changed(
        stage, cellwise(stage, cells, tally), tally, touched=frozenset(cells), fitted=fitted
    )


def _scale(step: Normalise, numbers: Numbers) -> tuple[float, float]:
    if step.by == "standard":
        centre, scale = numbers.mean, numbers.deviation
    elif step.by == "minmax":
        centre = numbers.quantile(0)
        scale = numbers.quantile(1) - centre
    else:
        centre = numbers.quantile(0.5)
        scale = numbers.quantile(0.75) - numbers.quantile(0.25)
    # A column of one value has no scale of its own; it becomes 0.
    return rounded(centre), rounded(scale) or 1.0


def _scaling(centre: float, scale: float) -> Cell:
    def scaled(cell: str) -> str:
        value = number(cell)
        return cell if value is None else written_number((value - centre) / scale)

    return scaled
