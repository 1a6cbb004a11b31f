"""Counts what one step does; shown in the report."""

from __future__ import annotations

from dataclasses import dataclass, field

from pileus.data.schema import Split


def _none() -> dict[Split, int]:
    return {"train": 0, "untouched": 0}


@dataclass
class Tally:
    """Grows while the rows of a step are read."""

    rows_in: int = 0
    changed: int = 0
    """Cells, or images, that are not what they were."""

    rows_out: dict[Split, int] = field(default_factory=_none)

    @property
    def total(self) -> int:
        """Rows of both parts that the step gave."""
        return sum(self.rows_out.values())
