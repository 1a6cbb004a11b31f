"""Which rows stay untouched when they are divided by groups or by time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pileus.data.split import Keys, Mask


def grouped_mask(groups: Keys, share: float) -> Mask:
    """
    True for the rows of so many groups, in the order of their keys, that `share` comes nearest.

    At least one group is on each side where there are two. Adding a group does not reorder others.
    """
    found, places, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(found) < 2:
        return np.zeros(len(groups), dtype=np.bool_)
    until = _nearest(np.cumsum(counts)[:-1], share * len(groups))
    return np.asarray(places <= until, dtype=np.bool_)


def newest_mask(times: NDArray[np.float64], share: float) -> Mask:
    """True for the newest rows, of which `share` comes nearest; equal times are on one side."""
    found, counts = np.unique(times, return_counts=True)
    if len(found) < 2:
        return np.zeros(len(times), dtype=np.bool_)
    newest = np.cumsum(counts[::-1])[:-1]
    until = _nearest(newest, share * len(times))
    return np.asarray(times >= found[len(found) - 1 - until], dtype=np.bool_)


def _nearest(sums: NDArray[np.int64], wanted: float) -> int:
    return int(np.argmin(np.abs(sums - wanted)))
