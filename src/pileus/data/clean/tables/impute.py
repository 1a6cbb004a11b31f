"""Fills missing cells with the mean, median or most frequent value of the training part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pileus.core.schemas.transform import Impute
from pileus.data.cells import is_missing, number
from pileus.data.clean.errors import StepRefused
from pileus.data.clean.tables.cellwise import Cell, cellwise
from pileus.data.clean.tables.fitting import fitted_numbers, rounded, written_number
from pileus.data.clean.tables.stage import Change, Stage, changed
from pileus.data.clean.tally import Tally

_MAX_DISTINCT = 100_000
"""Values that are counted, which bounds memory."""


def impute(step: Impute, stage: Stage, scratch: Path, seed: int) -> Change:
    del seed
    tally = Tally()
    fills = _fills(step, stage, scratch)
    cells = {name: _filling(fill) for name, fill in fills.items()}
    return changed(
        stage,
        cellwise(stage, cells, tally),
        tally,
        touched=frozenset(cells),
        fitted={"values": fills},
    )


def _fills(step: Impute, stage: Stage, scratch: Path) -> dict[str, str]:
    if step.using == "constant":
        return _constant(step, stage)
    if step.using == "most_frequent":
        return _most_frequent(stage, stage.features(step.columns, "number", "category", "text"))
    columns = stage.features(step.columns, "number")
    with fitted_numbers(stage, columns, scratch) as numbers:
        return {
            name: written_number(
                rounded(found.mean if step.using == "mean" else found.quantile(0.5))
            )
            for name, found in numbers.items()
        }


def _constant(step: Impute, stage: Stage) -> dict[str, str]:
    text = step.value if isinstance(step.value, str) else written_number(step.value or 0.0)
    if is_missing(text):
        raise StepRefused(f"{text!r} itself stands for no value", hint="Fill in another value.")
    suits = ("number", "category", "text") if number(text) is not None else ("category", "text")
    return dict.fromkeys(stage.features(step.columns, *suits), text)


def _most_frequent(stage: Stage, columns: Sequence[str]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = {name: Counter() for name in columns}
    places = [(stage.index(name), counter) for name, counter in counts.items()]
    for row in stage.rows():
        if row.split == "train":
            for index, counter in places:
                if not is_missing(row.cells[index]):
                    counter[row.cells[index].strip()] += 1
                    if len(counter) > _MAX_DISTINCT:
                        raise StepRefused(
                            f"Column {stage.names[index]!r} has more than {_MAX_DISTINCT:,} distinct"
                            " values, so none of them is frequent",
                            hint="Name the columns to fill with 'columns'.",
                        )
    for name, counter in counts.items():
        if not counter:
            raise StepRefused(
                f"Column {name!r} has no value in the training part",
                hint="Drop it with a `drop_columns` step before.",
            )
    return {
        # Of equally frequent values the first in order, so that the choice depends on nothing else.
        name: min(counter.items(), key=lambda entry: (-entry[1], entry[0]))[0]
        for name, counter in counts.items()
    }


def _filling(fill: str) -> Cell:
    return lambda cell: fill if is_missing(cell) else cell
