"""How long a model computes, by what its runs have taken."""

from __future__ import annotations

import math

_SHARE_OF_THE_NEWEST = 0.1


class Costs:
    """Seconds of a run by its rows: one moving average for each power of two."""

    __slots__ = ("_seconds",)

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}

    def saw(self, rows: int, seconds: float) -> None:
        """A run of `rows` rows took `seconds`."""
        size = rows.bit_length()
        before = self._seconds.get(size)
        if before is None:
            self._seconds[size] = seconds
        else:
            self._seconds[size] = before + _SHARE_OF_THE_NEWEST * (seconds - before)

    def of(self, rows: int) -> float:
        """What a run of `rows` rows may take; infinite while nothing is known."""
        size = rows.bit_length()
        known = self._seconds.get(size)
        if known is not None:
            return known
        # In proportion to the nearest that is known: too much from a smaller one, as it should be.
        nearest = min(self._seconds, key=lambda one: abs(one - size), default=None)
        if nearest is None:
            return math.inf
        return self._seconds[nearest] * 2.0 ** (size - nearest)
