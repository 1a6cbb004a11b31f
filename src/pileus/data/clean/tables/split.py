"""
Divides rows anew: by content, by group, or by time.

Rows of one group, of one time, and equal rows are never on both sides.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from pileus.core.schemas.transform import Split as SplitStep
from pileus.data.cells import is_missing, number, row_bytes
from pileus.data.clean.dividing import grouped_mask, newest_mask
from pileus.data.clean.errors import StepRefused
from pileus.data.clean.tables.stage import Change, Row, Stage, changed
from pileus.data.clean.tally import Tally
from pileus.data.errors import SplitRefused
from pileus.data.split import Mask, key, untouched_mask


def split(step: SplitStep, stage: Stage, scratch: Path, seed: int) -> Change:
    del scratch
    tally = Tally()
    mask = _mask(step, stage, seed)
    if not mask.any() or mask.all():
        raise SplitRefused(
            f"A {step.how} split of these rows leaves one side empty",
            hint="Choose another 'by', another share of 'untouched', or more data.",
        )

    def rows() -> Iterator[Row]:
        for row, chosen in zip(stage.rows(), mask.tolist(), strict=True):
            tally.rows_in += 1
            side = Row("untouched" if chosen else "train", row.cells)
            tally.changed += side.split != row.split
            yield side

    return changed(stage, rows(), tally, touched=frozenset())


def _mask(step: SplitStep, stage: Stage, seed: int) -> Mask:
    if step.how == "time":
        return newest_mask(np.array(_times(stage, str(step.by))), step.untouched)
    if step.how == "grouped":
        index = stage.index(str(step.by))
        groups = array("Q", (key(seed, _group(stage, row, index)) for row in stage.rows()))
        return grouped_mask(np.array(groups, dtype=np.uint64), step.untouched)
    keys, codes = array("Q"), array("q")
    classes: dict[str, int] = {}
    index = stage.index(stage.label)
    for row in stage.rows():
        keys.append(key(seed, hashlib.sha256(row_bytes(row.cells)).digest()))
        if stage.is_classification:
            codes.append(classes.setdefault(row.cells[index].strip(), len(classes)))
    labels = np.array(codes, dtype=np.int64) if stage.is_classification else None
    return untouched_mask(np.array(keys, dtype=np.uint64), labels, step.untouched)


def _group(stage: Stage, row: Row, index: int) -> bytes:
    cell = row.cells[index].strip()
    if is_missing(cell):
        raise StepRefused(
            f"A row has no group in column {stage.names[index]!r} ({cell!r})",
            hint="Put a `drop_missing` step for this column before the split.",
        )
    return cell.encode()


def _times(stage: Stage, by: str) -> array[float]:
    index = stage.index(by)
    return array("d", (_time(row.cells[index], by) for row in stage.rows()))


def _time(cell: str, by: str) -> float:
    """A number, or a date and time of ISO 8601; one without a zone is of UTC."""
    value = number(cell)
    if value is not None:
        return value
    try:
        moment = datetime.fromisoformat(cell.strip())
    except ValueError as error:
        raise StepRefused(
            f"{cell!r} of column {by!r} is neither a number nor a time such as 2026-01-31T12:00",
            hint="Drop or map such rows in a step before the split.",
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
