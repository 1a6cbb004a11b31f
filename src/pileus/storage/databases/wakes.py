"""Wakes those who wait for a change: events first, and a look at the database as the rescue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

from pileus.storage.transaction import Change

RESCUE_SECONDS = 5.0
"""How late a change can be seen whose event was lost: another server's, a broken LISTEN."""


KEPT = 10_000
"""Changes that are remembered, the newest: some seconds of a server that has much to do."""


class Wakes:
    """The last `seq` that this process knows of, and the tasks that wait for a higher one.

    Belongs to one event loop, and is called in it only.
    """

    def __init__(self, rescue_seconds: float = RESCUE_SECONDS) -> None:
        self.last = 0
        self._rescue_seconds = rescue_seconds
        self._changed = asyncio.Event()
        self._recent: deque[Change] = deque(maxlen=KEPT)

    def advance(self, seq: int, changes: Sequence[Change] = ()) -> None:
        """Tell that the feed has reached `seq`, and by which changes, where that is known."""
        if changes:
            if self._recent and self._recent[-1].seq + 1 != changes[0].seq:
                self._recent.clear()  # between them another server has written
            self._recent.extend(changes)
        if seq > self.last:
            self.last = seq
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    def recent(self, after: int) -> list[Change] | None:
        """The changes after `after`; None where not all of them are remembered."""
        if after >= self.last:
            return []
        if not self._recent or self._recent[-1].seq < self.last or self._recent[0].seq > after + 1:
            return None
        return list(islice(reversed(self._recent), self.last - after))[::-1]

    async def wait(self, after: int, timeout: float, reread: Callable[[], Awaitable[int]]) -> int:  # noqa: ASYNC109  the Protocol's
        """`last`, as soon as it is above `after`, or after `timeout` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while self.last <= after and (left := deadline - loop.time()) > 0:
            try:
                async with asyncio.timeout(min(left, self._rescue_seconds)):
                    await self._changed.wait()
            except TimeoutError:
                self.advance(await reread())
        return self.last
