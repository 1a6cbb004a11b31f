"""
How far two sets of figures are apart: the population stability index (PSI) and the statistic of
Kolmogorov and Smirnov (KS), from two profiles and without the data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np

from pileus.data.profile.schema import (
    CategoryColumn,
    Column,
    NumberColumn,
    Numbers,
    Side,
)

MODERATE_PSI, STRONG_PSI = 0.1, 0.25
MODERATE_KS, STRONG_KS = 0.1, 0.2
"""Thresholds in common use; what chance alone would give is taken off before they are applied."""

_CHANCE_KS = 1.63  # KS of equal distributions stays below this / sqrt(n) in 99 of 100 cases
_CHANCE_Z = 2.326  # the same share of a normal distribution

Level = Literal["none", "moderate", "strong"]


class Drift(msgspec.Struct, frozen=True):
    """How far one column of B is from that of A. `ks` is for numbers, and of lengths for text."""

    name: str
    psi: float
    ks: float | None
    level: Level


def side_drift(a: Side, b: Side) -> list[Drift]:
    """Drift of every column that both have with one type, and of the label."""
    others = {column.name: column for column in b.columns or ()}
    found = [
        column_drift(column, others[column.name], a.rows, b.rows)
        for column in a.columns or ()
        if type(others.get(column.name)) is type(column)
    ]
    if a.classes is not None and b.classes is not None:
        found.append(_of_counts("label", dict(a.classes), dict(b.classes)))
    if a.target is not None and b.target is not None:
        found.append(_of_numbers("label", a.target, b.target, 0, 0))
    if a.images is not None and b.images is not None:
        for name in ("width", "height", "aspect", "bytes"):
            pair = getattr(a.images, name), getattr(b.images, name)
            found.append(_of_numbers(name, *pair, 0, 0))
    return found


def column_drift(a: Column, b: Column, rows_a: int, rows_b: int) -> Drift:
    """Drift between two columns of one type; a missing value counts as a value of its own."""
    if isinstance(a, CategoryColumn) and isinstance(b, CategoryColumn):
        return _of_counts(
            a.name, {**dict(a.values), "": a.missing}, {**dict(b.values), "": b.missing}
        )
    pair = (_numbers(a), _numbers(b))
    if pair[0] is None or pair[1] is None:
        return _of_counts(
            a.name,
            {"there": rows_a - a.missing, "": a.missing},
            {"there": rows_b - b.missing, "": b.missing},
        )
    return _of_numbers(a.name, pair[0], pair[1], a.missing, b.missing)


def ks_statistic(a: Numbers, b: Numbers) -> float:
    """The greatest distance of the two distribution functions, to about a hundredth."""
    points = np.unique([*a.percentiles, *b.percentiles])
    return float(np.abs(_share_up_to(a, points) - _share_up_to(b, points)).max())


def _numbers(column: Column) -> Numbers | None:
    if isinstance(column, NumberColumn):
        return column.numbers
    return None if isinstance(column, CategoryColumn) else column.characters


def _of_numbers(name: str, a: Numbers, b: Numbers, missing_a: int, missing_b: int) -> Drift:
    edges = np.unique(a.percentiles[10:100:10])
    shares_a, shares_b = (
        np.diff([0.0, *_share_up_to(one, edges), 1.0]) * one.count for one in (a, b)
    )
    psi, chance = _psi([*shares_a, missing_a], [*shares_b, missing_b])
    ks = ks_statistic(a, b)
    ks_chance = _CHANCE_KS * math.sqrt(1 / a.count + 1 / b.count)
    return Drift(name, round(psi, 4), round(ks, 4), _level(psi - chance, ks - ks_chance))


def _of_counts(name: str, a: Mapping[str, int], b: Mapping[str, int]) -> Drift:
    names = sorted(a.keys() | b.keys())
    psi, chance = _psi([a.get(one, 0) for one in names], [b.get(one, 0) for one in names])
    return Drift(name, round(psi, 4), None, _level(psi - chance, 0))


def _psi(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """The index, and what it stays below in 99 of 100 cases if both are of one distribution."""
    counts = np.array([a, b], dtype=np.float64)
    counts = counts[:, counts.sum(axis=0) > 0]
    # Half a row more in each bin: one that a side lacks would make the index infinite.
    smooth = counts + 0.5
    p, q = smooth / smooth.sum(axis=1, keepdims=True)
    freedom = counts.shape[1] - 1
    if not freedom:
        return 0.0, 0.0
    # The index is then like a chi-square (Yurdakul, 2018); its quantile by Wilson and Hilferty.
    spread = 2 / (9 * freedom)
    quantile = freedom * (1 - spread + _CHANCE_Z * math.sqrt(spread)) ** 3
    chance = quantile * float((1 / counts.sum(axis=1)).sum())
    return float(((p - q) * np.log(p / q)).sum()), chance


def _level(psi: float, ks: float) -> Level:
    if psi > STRONG_PSI or ks > STRONG_KS:
        return "strong"
    return "moderate" if psi > MODERATE_PSI or ks > MODERATE_KS else "none"


def _share_up_to(
    numbers: Numbers, at: Sequence[float] | np.typing.NDArray[np.float64]
) -> np.typing.NDArray[np.float64]:
    """Share of the numbers that are at most each of `at`, by the percentiles."""
    points = np.array(numbers.percentiles)
    below = np.searchsorted(points, at, side="right") - 1
    low, high = points[np.clip(below, 0, 100)], points[np.clip(below + 1, 0, 100)]
    width = np.where(high > low, high - low, 1.0)
    inner = (below + np.clip((np.asarray(at) - low) / width, 0, 1)) / 100
    return np.asarray(np.where(below < 0, 0.0, np.where(below >= 100, 1.0, inner)))
