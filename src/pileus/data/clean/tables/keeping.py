"""Keeps some rows: what the steps that drop rows share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from pileus.data.clean.tables.stage import Row, Stage
from pileus.data.clean.tally import Tally


def keeping(stage: Stage, is_kept: Callable[[Row], bool], tally: Tally) -> Iterator[Row]:
    """Rows of which `is_kept` says so; it is asked in order, once for each."""
    for row in stage.rows():
        tally.rows_in += 1
        if is_kept(row):
            yield row


def masked(stage: Stage, mask: NDArray[np.bool_], tally: Tally) -> Iterator[Row]:
    """Rows whose place in `mask` is true."""
    for row, is_kept in zip(stage.rows(), mask.tolist(), strict=True):
        tally.rows_in += 1
        if is_kept:
            yield row
