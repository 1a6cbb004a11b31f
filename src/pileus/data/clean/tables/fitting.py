"""
Statistics of number columns, from the training part alone.

Each column's numbers go to a file and are sorted in place there, so memory does not grow with
rows; quantiles are exact, and the same rows give the same statistics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pileus.data.cells import number
from pileus.data.clean.errors import StepRefused
from pileus.data.clean.tables.stage import Stage

_BATCH_BYTES = 1 << 20
_PART = 1 << 17


@dataclass(frozen=True)
class Numbers:
    """The numbers of one column, ascending, in a file."""

    values: NDArray[np.float64]

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def deviation(self) -> float:
        """Standard deviation of the population; in parts, because numpy's own copies the column."""
        mean, total = self.mean, 0.0
        for start in range(0, len(self.values), _PART):
            total += float(np.sum((self.values[start : start + _PART] - mean) ** 2))
        return math.sqrt(total / len(self.values))

    def quantile(self, share: float) -> float:
        """Interpolated between the two nearest, as numpy's default."""
        place = share * (len(self.values) - 1)
        below = int(place)
        above = min(below + 1, len(self.values) - 1)
        low, high = float(self.values[below]), float(self.values[above])
        return low + (high - low) * (place - below)


@contextmanager
def fitted_numbers(
    stage: Stage, columns: Sequence[str], scratch: Path
) -> Iterator[dict[str, Numbers]]:
    """The training part's numbers of each column. Raises StepRefused where there is none."""
    paths = {name: scratch / f"column-{at}.f64" for at, name in enumerate(columns)}
    try:
        _spill(stage, paths)
        found = {}
        for name, path in paths.items():
            if not path.stat().st_size:
                raise StepRefused(
                    f"Column {name!r} has no number in the training part, so nothing can be fitted",
                    hint="Drop it with a `drop_columns` step before.",
                )
            values: Any = np.memmap(path, dtype=np.float64, mode="r+")
            values.sort()
            found[name] = Numbers(values)
        yield found
    finally:
        for path in paths.values():
            path.unlink(missing_ok=True)


def _spill(stage: Stage, paths: dict[str, Path]) -> None:
    with ExitStack() as stack:
        places = [
            (stage.index(name), stack.enter_context(path.open("wb", buffering=_BATCH_BYTES)))
            for name, path in paths.items()
        ]
        for row in stage.rows():
            if row.split != "train":
                continue
            for index, stream in places:
                value = number(row.cells[index])
                if value is not None:
                    stream.write(np.float64(value).tobytes())


def written_number(value: float) -> str:
    """A number as a cell: nine digits, which is all of a float32."""
    return f"{value:.9g}"


def rounded(value: float) -> float:
    """A statistic as the lineage states it, and as it is used: what is stated can be repeated."""
    return float(f"{value:.12g}")
