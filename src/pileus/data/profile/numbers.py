"""
Figures of numbers that stream by.

Sums are rounded once (`math.fsum`), so that neither the width of a processor's registers nor a
library's order of adding shows in the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pileus.data.profile.sampling import CAPACITY, Places, Sample, Values
from pileus.data.profile.schema import Numbers

BINS = 24
_DIGITS = 12
"""Significant digits that are written: what is beyond is noise of adding in another order."""

_PERCENT = np.arange(101) / 100


@dataclass
class Moments:
    """Count, mean, squared deviations and extremes of numbers."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    most: float = -math.inf

    @classmethod
    def of(cls, values: Values) -> Moments:
        """Of some numbers; there is at least one."""
        mean = math.fsum(values.tolist()) / len(values)
        squares = math.fsum(((values - mean) ** 2).tolist())
        return cls(len(values), mean, squares, float(values.min()), float(values.max()))

    def joined(self, other: Moments) -> Moments:
        """Of the numbers of both (Chan, Golub and LeVeque, 1979)."""
        total = self.count + other.count
        if not total:
            return Moments()
        step = other.mean - self.mean
        return Moments(
            count=total,
            mean=self.mean + step * other.count / total,
            squares=self.squares + other.squares + step * step * self.count * other.count / total,
            least=min(self.least, other.least),
            most=max(self.most, other.most),
        )


class NumberReader:
    """Sees numbers, NaN for a missing one."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self.seen = 0
        self.moments = Moments()
        self.sample = Sample(capacity)

    def see(self, at: Places, values: Values) -> None:
        """Take note of the numbers of some rows, and of the hashes of these rows."""
        self.seen += len(values)
        present = ~np.isnan(values)
        if present.any():
            values = values[present]
            self.sample.see(at[present], values)
            self.moments = self.moments.joined(Moments.of(values))

    def joined(self, other: NumberReader) -> NumberReader:
        """Of the numbers of both."""
        both = NumberReader(self._capacity)
        both.seen = self.seen + other.seen
        both.sample = self.sample.joined(other.sample)
        both.moments = self.moments.joined(other.moments)
        return both

    @property
    def missing(self) -> int:
        """How many were missing."""
        return self.seen - self.moments.count

    def numbers(self) -> Numbers | None:
        """The figures; None when every number was missing."""
        moments = self.moments
        if not moments.count:
            return None
        values = self.sample.values()
        least, most = moments.least, moments.most
        inner = [_rounded(value) for value in np.quantile(values, _PERCENT[1:-1]).tolist()]
        return Numbers(
            count=moments.count,
            min=least,
            max=most,
            mean=_rounded(moments.mean),
            std=_rounded(math.sqrt(moments.squares / moments.count)),
            percentiles=(least, *(min(max(value, least), most) for value in inner), most),
            histogram=_histogram(values, least, most),
        )


def _histogram(values: Values, least: float, most: float) -> tuple[int, ...]:
    if least == most:
        return (len(values),)
    bins = ((values - least) / (most - least) * BINS).astype(np.int64)
    counts = np.bincount(np.clip(bins, 0, BINS - 1), minlength=BINS)
    return tuple(counts.tolist())


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
