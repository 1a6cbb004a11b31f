"""Ships what an attempt writes while it runs: output and metrics, by offset.

The server's answer says where its copy ends, so nothing is remembered here: after any kill the
next worker asks, and goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from pileus.compute.layout import Layout
from pileus.core.clock import Clock
from pileus.core.errors import PileusError
from pileus.core.holes import punch
from pileus.core.opening import open_regular
from pileus.core.retrying import Backoff
from pileus.core.stamps import SUFFIX
from pileus.worker.link import ServerLink

log = logging.getLogger(__name__)

_PIECE_BYTES = 1024 * 1024
_PACE_SECONDS = 0.04
"""After a piece of a stream that goes on growing: each takes worker and server about as long, whatever
its size. A full one is followed at once."""

_TIMES_PACE_SECONDS = 0.1
"""The same for times of lines, which few ask for while they are written."""

_FLOW_BYTES = 32 * 1024 * 1024
_FLOW_SECONDS = 2.0
"""The most that one request has of a stream, and takes: its answer says what arrived."""

_LINGER_SECONDS = 0.01
_LINGER_LOOKS = 5
"""So often a request that has sent all there is looks for more, so far apart."""

_SETTLE_SECONDS = 0.5
"""A request that is not answered by then is given up when nobody ships any more."""

_FREED_BYTES = 8 * 1024 * 1024
"""At least, at once."""

_UNKNOWN = "stream_unknown"

_FIRST_PAUSE_SECONDS = 0.001
_FIRST_LOOKS = 50
"""So often, so far apart, what an attempt writes is looked at when it starts; then ever less often.
Meanwhile no times of lines are sent: a request of theirs would take the time of the first line's."""


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
        self._flows: dict[str, asyncio.Task[None]] = {}
        """What is being sent, by stream."""

        self._is_ending = asyncio.Event()
        self._kept_bytes = kept_bytes
        self._freed = dict.fromkeys(("stdout", "stderr"), kept_bytes // 2)
        """Up to where the middle of a log is freed here."""

        self._ends: dict[str, int] = dict.fromkeys(self._paths, 0) if is_new else {}
        """How much of each stream the server has; absent until it was asked."""

    async def follow(self, every_seconds: float) -> None:
        """Ship for ever, soon after it is written; at first sooner, for somebody may be waiting."""
        self._is_ending.clear()
        pause, looks = min(_FIRST_PAUSE_SECONDS, every_seconds), 0
        try:
            while True:
                self._look(with_times=looks >= _FIRST_LOOKS)
                await self._clock.sleep(pause)
                looks += 1
                if looks >= _FIRST_LOOKS:
                    pause = min(2 * pause, every_seconds)
        finally:
            self._is_ending.set()
            await self._settle()

    async def drain(self) -> None:
        """Return when the server has all that is there now, however long it is away."""
        self._is_ending.set()
        try:
            while self._look():
                await asyncio.wait(self._flows.values(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._settle()

    def _look(self, *, with_times: bool = True) -> bool:
        """Begin to send what is new of each stream, side by side; whether anything is under way."""
        for name in [name for name, flow in self._flows.items() if flow.done()]:
            self._flows.pop(name).result()
        for name, path in self._paths.items():
            if name.endswith(SUFFIX) and not with_times:
                continue
            # A look costs a tenth of an open file, and most looks find nothing.
            start = self._ends.get(name)
            if name in self._flows or (start is not None and _size(path) <= start):
                continue
            # Read first: what cannot be read, as a link, is not waited for.
            first = b"" if start is None else _read(path, start)
            if start is None or first:
                self._flows[name] = asyncio.create_task(self._ship(name, path, start, first))
        return bool(self._flows)

    async def _settle(self) -> None:
        """Wait a moment for what is under way, and give up the rest."""
        if not self._flows:
            return
        _, late = await asyncio.wait(self._flows.values(), timeout=_SETTLE_SECONDS)
        for flow in late:
            flow.cancel()
        if late:
            await asyncio.wait(late)
        self._flows = {name: flow for name, flow in self._flows.items() if not flow.cancelled()}

    async def _ship(self, name: str, path: Path, start: int | None, first: bytes) -> None:
        """One request, for as long as there is something to send."""
        pieces = _nothing() if start is None else self._pieces(name, path, start, first)
        self._ends.pop(name, None)  # after a failure, ask again where it ends
        try:
            self._ends[name] = await self._link.append(self._attempt, name, start or 0, pieces)
        except PileusError as error:
            if error.code == _UNKNOWN and name.endswith(SUFFIX):
                del self._paths[name]  # a server of an earlier release
                return
            log.debug("stream %s of %s: %s", name, self._attempt, error)
            await self._backoff.pause()
            return
        self._backoff.reset()
        self._free(name, path)

    async def _pieces(
        self, name: str, path: Path, start: int, piece: bytes
    ) -> AsyncIterator[bytes]:
        """What is there, and what comes soon after it: most of a request is its beginning and end."""
        end, until = start + _FLOW_BYTES, self._clock.monotonic() + _FLOW_SECONDS
        pace = _TIMES_PACE_SECONDS if name.endswith(SUFFIX) else _PACE_SECONDS
        while piece:
            yield piece
            start += len(piece)
            is_long = start >= end or self._clock.monotonic() >= until
            # The server takes points in a transaction, so they come as they are.
            if is_long or name == "metrics":
                return
            if len(piece) < _PIECE_BYTES:
                await self._pause(pace)
            if not await self._grows(path, start):
                return
            piece = _read(path, start)

    async def _grows(self, path: Path, size: int) -> bool:
        """Whether the file gets larger than that before long."""
        for _ in range(_LINGER_LOOKS):
            if _size(path) > size:
                return True
            if self._is_ending.is_set():
                return False
            await self._pause(_LINGER_SECONDS)
        return False

    async def _pause(self, seconds: float) -> None:
        """So long, unless it ends before."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_ending.wait()

    def _free(self, name: str, path: Path) -> None:
        """Give the disk back what the server has of a log and would not keep either."""
        start, end = self._freed.get(name), self._ends[name] - self._kept_bytes // 2
        if start is None or end - start < _FREED_BYTES:
            return
        with suppress(OSError), path.open("r+b") as file:
            punch(file.fileno(), start, end)
        self._freed[name] = end


async def _nothing() -> AsyncIterator[bytes]:
    """To ask where the stream ends."""
    nothing: tuple[bytes, ...] = ()
    for piece in nothing:
        yield piece


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
