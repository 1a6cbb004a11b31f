"""When to look at what an attempt uses, and whether that is too much."""

from __future__ import annotations

import time
from collections.abc import Callable

from pileus.compute.limits.amounts import MIB

SHORTEST_SECONDS = 0.02
LONGEST_SECONDS = 0.5
_COST = 20
"""A look is repeated after so many times what it takes of a processor: 5 % of one at most."""


class Gauge:
    """One quantity against its limit; looks the more often, the nearer it is.

    `rate_mib` is how fast it can grow, in MiB a second: what two looks may let through.
    """

    def __init__(self, measure: Callable[[], int], limit_mib: int, rate_mib: int) -> None:
        self._measure = measure
        self._limit = limit_mib * MIB
        self._rate = rate_mib * MIB
        self._peak = 0
        self._last: int | None = None
        self.due_at = time.monotonic() + min(LONGEST_SECONDS, self._limit / self._rate)
        """When to look again, on the monotonic clock."""

    @property
    def peak_mib(self) -> int:
        """The most that was seen."""
        return self._peak // MIB

    @property
    def last_mib(self) -> int | None:
        """What was seen last; None before the first look."""
        return None if self._last is None else self._last // MIB

    def is_over(self, now: float) -> bool:
        """Look, if it is time."""
        if now < self.due_at:
            return False
        began = time.process_time()
        used = self.look()
        cost = time.process_time() - began
        pause = min(LONGEST_SECONDS, max(SHORTEST_SECONDS, (self._limit - used) / self._rate))
        self.due_at = now + max(pause, cost * _COST)
        return used > self._limit

    def look(self) -> int:
        """What is used now."""
        used = self._last = self._measure()
        self._peak = max(self._peak, used)
        return used

    @property
    def is_full(self) -> bool:
        """Whether nothing is left now, as after a write that the system refused."""
        return self.look() >= self._limit
