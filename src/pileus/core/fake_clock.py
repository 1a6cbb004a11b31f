"""Time that moves only when told, for tests and simulation."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock (`clock.py`) whose sleepers wake when it is moved past their time."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, future))
        await future

    def advance(self, seconds: float) -> None:
        """Move time forward and wake the sleepers whose time has come."""
        self._elapsed += seconds
        due = [future for at, future in self._sleepers if at <= self._elapsed]
        self._sleepers = [(at, f) for at, f in self._sleepers if at > self._elapsed]
        for future in due:
            if not future.done():
                future.set_result(None)
