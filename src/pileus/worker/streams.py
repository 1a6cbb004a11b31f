"""Ships what an attempt writes while it runs: output and metrics, by offset.

The server's answer says where its copy ends, so nothing is remembered here: after any kill the
next worker asks, and goes on from there.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

from pileus.compute.layout import Layout
from pileus.core.clock import Clock
from pileus.core.errors import PileusError
from pileus.core.holes import punch
from pileus.core.retrying import Backoff
from pileus.core.stamps import SUFFIX
from pileus.worker.link import ServerLink

log = logging.getLogger(__name__)

_PIECE_BYTES = 1024 * 1024

_FREED_BYTES = 8 * 1024 * 1024
"""At least, at once."""

_UNKNOWN = "stream_unknown"

_FIRST_PAUSE_SECONDS = 0.005
"""Between the first two looks at what an attempt writes; doubles from look to look."""


class StreamShipper:
    """The streams of one attempt; of a new one the server has nothing yet."""

    def __init__(
        self,
        attempt: str,
        layout: Layout,
        link: ServerLink,
        clock: Clock,
        backoff: Backoff,
        *,
        is_new: bool,
        kept_bytes: int,
    ) -> None:
        """Of what the server has of a log, about the first and the last half of `kept_bytes` stay here."""
        self._attempt = attempt
        self._link = link
        self._clock = clock
        self._backoff = backoff
        self._paths = {
            "stdout": layout.stdout,
            "stderr": layout.stderr,
            "metrics": layout.metrics,
            "stdout.times": layout.stdout_times,
            "stderr.times": layout.stderr_times,
        }
        self._kept_bytes = kept_bytes
        self._freed = dict.fromkeys(("stdout", "stderr"), kept_bytes // 2)
        """Up to where the middle of a log is freed here."""

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
            ends = [await self._ship(name, path) for name, path in list(self._paths.items())]
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
            if error.code == _UNKNOWN and name.endswith(SUFFIX):
                del self._paths[name]  # a server of an earlier release
                return True
            log.debug("stream %s of %s: %s", name, self._attempt, error)
            self._ends.pop(name, None)  # ask again where it ends
            await self._backoff.pause()
            return False
        self._backoff.reset()
        self._free(name, path)
        return False

    def _free(self, name: str, path: Path) -> None:
        """Give the disk back what the server has of a log and would not keep either."""
        start, end = self._freed.get(name), self._ends[name] - self._kept_bytes // 2
        if start is None or end - start < _FREED_BYTES:
            return
        with suppress(OSError), path.open("r+b") as file:
            punch(file.fileno(), start, end)
        self._freed[name] = end


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read(path: Path, start: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(_PIECE_BYTES)
    except OSError:
        return b""
