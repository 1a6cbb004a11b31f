"""Changes cells one by one: what imputing, clipping, normalising, casting and mapping share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pileus.data.clean.tables.stage import Row, Stage
from pileus.data.clean.tally import Tally

Cell = Callable[[str], str]


def cellwise(stage: Stage, cells: Mapping[str, Cell], tally: Tally) -> Iterator[Row]:
    """Rows of `stage` with the cells of some columns changed; counts those that are not equal."""
    places = [(stage.index(name), change) for name, change in cells.items()]
    for row in stage.rows():
        tally.rows_in += 1
        for index, change in places:
            before = row.cells[index]
            after = change(before)
            if after != before:
                row.cells[index] = after
                tally.changed += 1
        yield row
