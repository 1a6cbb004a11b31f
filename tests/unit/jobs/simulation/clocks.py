"""The world's time, which only a step moves, and the clocks that show it, which may be wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from pileus.core.fake_clock import FakeClock


class WorldClock(FakeClock):
    """The servers' and the database's clock. Its wall may jump; its monotonic time never does."""

    def __init__(self) -> None:
        super().__init__()
        self.off_seconds = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.off_seconds)


class NodeClock:
    """What a node's clock shows of it: a wall that is off, on time as it passes everywhere."""

    def __init__(self, world: WorldClock) -> None:
        self._world = world
        self.off_seconds = 0.0

    def now(self) -> datetime:
        true = self._world.now() - timedelta(seconds=self._world.off_seconds)
        return true + timedelta(seconds=self.off_seconds)

    def monotonic(self) -> float:
        return self._world.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._world.sleep(seconds)
