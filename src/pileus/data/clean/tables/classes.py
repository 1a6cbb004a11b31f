"""The classes that a stage has."""

from __future__ import annotations

from pileus.data.clean.errors import StepRefused
from pileus.data.clean.tables.stage import Stage


def classes_of(stage: Stage) -> set[str]:
    """Labels of the rows. Raises StepRefused for a regression, whose labels are numbers."""
    if not stage.is_classification:
        raise StepRefused(
            f"Label {stage.label!r} is a number to predict, not a class",
            hint="Leave out the steps about classes.",
        )
    index = stage.index(stage.label)
    return {row.cells[index].strip() for row in stage.rows()}
