"""Pauses between tries that grow, and shrink again after a success."""

from __future__ import annotations

from pileus.core.clock import Clock

_FIRST_SECONDS = 0.1


class Backoff:
    """One caller's pauses."""

    def __init__(self, clock: Clock, max_seconds: float) -> None:
        self._clock = clock
        self._max_seconds = max_seconds
        self._next = min(_FIRST_SECONDS, max_seconds)

    async def pause(self) -> None:
        """Wait; the next time longer."""
        seconds = self._next
        self._next = min(2 * self._next, self._max_seconds)
        await self._clock.sleep(seconds)

    def reset(self) -> None:
        """It went well."""
        self._next = min(_FIRST_SECONDS, self._max_seconds)
