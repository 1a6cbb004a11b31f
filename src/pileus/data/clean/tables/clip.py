"""Brings numbers beyond a bound to it; bounds come from the training part."""

from __future__ import annotations

from pathlib import Path

from pileus.core.schemas.transform import Clip
from pileus.data.cells import number
from pileus.data.clean.tables.cellwise import Cell, cellwise
from pileus.data.clean.tables.fitting import Numbers, fitted_numbers, rounded, written_number
from pileus.data.clean.tables.stage import Change, Stage, changed
from pileus.data.clean.tally import Tally


def clip(step: Clip, stage: Stage, scratch: Path, seed: int) -> Change:
    del seed
    tally = Tally()
    with fitted_numbers(stage, stage.features(step.columns, "number"), scratch) as numbers:
        bounds = {name: _bounds(step, found) for name, found in numbers.items()}
    cells = {name: _clipping(low, high) for name, (low, high) in bounds.items()}
    fitted = {"bounds": {name: list(pair) for name, pair in bounds.items()}}
    return changed(
        stage, cellwise(stage, cells, tally), tally, touched=frozenset(cells), fitted=fitted
    )


def _bounds(step: Clip, numbers: Numbers) -> tuple[float, float]:
    if step.by == "quantile":
        low, high = numbers.quantile(step.lower), numbers.quantile(step.upper)
    elif step.by == "iqr":
        lower, upper = numbers.quantile(0.25), numbers.quantile(0.75)
        reach = (1.5 if step.factor is None else step.factor) * (upper - lower)
        low, high = lower - reach, upper + reach
    else:
        reach = (3.0 if step.factor is None else step.factor) * numbers.deviation
        low, high = numbers.mean - reach, numbers.mean + reach
    return rounded(low), rounded(high)


def _clipping(low: float, high: float) -> Cell:
    lowest, highest = written_number(low), written_number(high)

    def clipped(cell: str) -> str:
        value = number(cell)
        if value is None:
            return cell
        return lowest if value < low else highest if value > high else cell

    return clipped
