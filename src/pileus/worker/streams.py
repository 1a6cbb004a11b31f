"""Ships what an attempt writes while it runs: output and metrics, by offset.

The server's answer says where its copy ends, so nothing is remembered here: after any kill the
next worker asks, and goes on from there.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pileus.compute.files import open_regular
from pileus.compute.layout import Layout
from pileus.core.clock import Clock
from pileus.core.errors import PileusError
from pileus.core.retrying import Backoff
from pileus.worker.link import ServerLink

log = logging.getLogger(__name__)

_PIECE_BYTES = 1024 * 1024

_FIRST_PAUSE_SECONDS = 0.005
"""Between the first two looks at what an attempt writes; doubles from look to look."""


class StreamShipper:
    """The three streams of one attempt; of a new one the server has nothing yet."""

    def __init__(
        self,
        attempt: str,
        layout: Layout,
        link: ServerLink,
        clock: Clock,
        backoff: Backoff,
        *,
        is_new: bool,
    ) -> None:
        self._attempt = attempt
        self._link = link
        self._clock = clock
        self._backoff = backoff
        self._paths = {
            "stdout": layout.stdout,
            "stderr": layout.stderr,
            "metrics": layout.metrics,
        }
        self._ends: dict[str, int] = dict.fromkeys(self._paths, 0) if is_new else {}
        """How much of each stream the server has; absent until it was asked."""

    async def follow(self, every_seconds: float) -> None:
        """Ship for ever, soon after it is written; at first sooner, for somebody may be waiting."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            await self.drain()
            await self._clock.sleep(min(pause, every_seconds))
            pause = min(2 * pause, every_seconds)

    async def drain(self) -> None:
        """Return when the server has all that is there now, however long it is away."""
        is_drained = False
        while not is_drained:
            # In turns, so that one stream that never ends does not hold up the others.
            ends = [await self._ship(name, path) for name, path in self._paths.items()]
            is_drained = all(ends)

    async def _ship(self, name: str, path: Path) -> bool:
        """Send one piece; whether the stream is at its end."""
        start = self._ends.get(name)
        if start is None:
            piece, start = b"", 0
        else:
            # A look costs a tenth of an open file, and most looks find nothing.
            piece = _read(path, start) if _size(path) > start else b""
            if not piece:
                return True
        try:
            self._ends[name] = await self._link.append(self._attempt, name, start, piece)
        except PileusError as error:
            log.debug("stream %s of %s: %s", name, self._attempt, error)
            self._ends.pop(name, None)  # ask again where it ends
            await self._backoff.pause()
            return False
        self._backoff.reset()
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read(path: Path, start: int) -> bytes:
    try:
        with open_regular(path) as file:
            file.seek(start)
            return file.read(_PIECE_BYTES)
    except OSError:
        return b""
