"""Takes the validation part out of the training part. The untouched split is not seen here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indexes = NDArray[np.int64]


def hold_back(
    targets: NDArray[np.generic], share: float, seed: int, *, stratified: bool
) -> tuple[Indexes, Indexes]:
    """Indexes of the rows to fit and of those that choose the epoch; both ascending.

    Stratified: each class gives its share, and one of fewer than two rows gives none. With so few
    rows that none would be held back, one is.
    """
    random = np.random.default_rng(seed)
    groups = (
        [np.flatnonzero(targets == value) for value in np.unique(targets)]
        if stratified
        else [np.arange(len(targets))]
    )
    shuffled = [random.permutation(group) for group in groups]
    counts = [min(round(len(group) * share), len(group) - 1) for group in groups]
    if sum(counts) == 0:
        largest = max(range(len(groups)), key=lambda index: len(groups[index]))
        counts[largest] = min(1, len(groups[largest]) - 1)
    held = [group[:count] for group, count in zip(shuffled, counts, strict=True)]
    fitted = [group[count:] for group, count in zip(shuffled, counts, strict=True)]
    return np.sort(np.concatenate(fitted)), np.sort(np.concatenate(held))
