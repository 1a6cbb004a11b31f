"""Work that the server does again and again: how often, how long, how often in vain."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from pileus.core.figures import Histogram

Work = Callable[[], Awaitable[None]]


class Rounds:
    """Name of a kind of work → its figures."""

    def __init__(self) -> None:
        self.seconds: dict[str, Histogram] = {}
        self.failures: dict[str, int] = {}

    def timed(self, name: str, work: Work) -> Work:
        """`work`, counted under `name`."""
        seconds = self.seconds.setdefault(name, Histogram())
        self.failures.setdefault(name, 0)

        async def round_() -> None:
            began = time.monotonic()
            try:
                await work()
            except Exception:
                self.failures[name] += 1
                raise
            finally:
                seconds.observe(time.monotonic() - began)

        return round_
