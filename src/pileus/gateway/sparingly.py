"""Lines about single predictions: those of a person trying something, not those of a full load."""

from __future__ import annotations

import time

PER_SECOND = 5
"""A line costs some 30 µs; records tell of every prediction, in the same files or not."""


class Sparingly:
    """Lets so many through in a second of the clock."""

    __slots__ = ("_left", "_per_second", "_second")

    def __init__(self, per_second: int = PER_SECOND) -> None:
        self._per_second = per_second
        self._second = 0
        self._left = 0

    def may(self, now: float | None = None) -> bool:
        """Whether to log now."""
        second = int(time.monotonic() if now is None else now)
        if second != self._second:
            self._second, self._left = second, self._per_second
        if not self._left:
            return False
        self._left -= 1
        return True
