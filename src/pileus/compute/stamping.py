"""Stamps what an attempt writes: where its logs ended when. Standard library only.

The runner looks, which lives as long as the attempt, whatever becomes of worker and server; the time
is the file's own, of its last write, so a line that is alone between two looks has its exact time,
to the tick of the system's clock. The attempt writes into its files as ever: a kill of anybody loses
nothing of it.
"""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress
from pathlib import Path

from pileus.compute.layout import PRIVATE_FILE, Layout
from pileus.core.stamps import RECORD

_SHORTEST_SECONDS = 0.02
"""Between two looks while it writes; lines of one burst that share a time are no further apart."""

_LONGEST_SECONDS = 0.1
"""While it is silent. A look takes some ten microseconds."""

_FREE_BYTES = 1024 * 1024
_MOST_OF_LOG = 4
"""Times take a quarter of the log's bytes, beyond those that are free, or one record a second."""


class Stamper:
    """Both logs of an attempt."""

    def __init__(self, layout: Layout) -> None:
        self._logs = [
            _Log(log, times)
            for log, times in (
                (layout.stdout, layout.stdout_times),
                (layout.stderr, layout.stderr_times),
            )
        ]
        self._pause = _SHORTEST_SECONDS

    def wait(self, wakeup: int, seconds: float) -> None:
        """So long, or until there is something to read at `wakeup`; looks meanwhile."""
        end = time.monotonic() + seconds
        while True:
            is_writing = self.look()
            self._pause = (
                _SHORTEST_SECONDS if is_writing else min(2 * self._pause, _LONGEST_SECONDS)
            )
            left = max(0.0, end - time.monotonic())
            if select.select([wakeup], [], [], min(left, self._pause))[0] or left <= self._pause:
                return

    def look(self, *, is_last: bool = False) -> bool:
        """Whether a log has grown since the last look."""
        now = time.time_ns() // 1000
        grown = [log.look(now, is_last=is_last) for log in self._logs]
        return any(grown)

    def finish(self) -> None:
        """Nothing more is written."""
        self.look(is_last=True)
        for log in self._logs:
            log.close()


def complete(layout: Layout) -> None:
    """Stamp the rest of logs whose runner was killed, by the time of their last write.

    Does nothing where it had stamped none, as one of an earlier release.
    """
    for path, times in ((layout.stdout, layout.stdout_times), (layout.stderr, layout.stderr_times)):
        with suppress(OSError):
            log = _Log(path, times)
            if log.resume():
                log.look(time.time_ns() // 1000, is_last=True)
            log.close()


class _Log:
    def __init__(self, path: Path, times: Path) -> None:
        self._path = path
        self._times = times
        self._file: int | None = None
        self._end = 0
        self._micros = 0
        self._bytes = 0
        self._unwritten = b""

    def resume(self) -> bool:
        """Go on behind what an earlier process wrote; False when it wrote nothing."""
        if not self._times.exists():
            return False
        file = self._opened()
        size = os.fstat(file).st_size
        self._unwritten = bytes(-size % RECORD.size)  # its disk was full in the middle of a record
        self._bytes = size - size % RECORD.size
        if self._bytes:
            record = os.pread(file, RECORD.size, self._bytes - RECORD.size)
            self._end, self._micros = RECORD.unpack(record)
        return self._bytes > 0

    def look(self, now: int, *, is_last: bool = False) -> bool:
        """Whether it has grown; stamps that, unless the times would take too much."""
        try:
            status = os.stat(self._path)  # noqa: PTH116  half of what Path.stat takes
        except OSError:
            return False
        if status.st_size <= self._end:
            return False
        if is_last or self._may_grow(status.st_size, now):
            # A clock that was set back, or a file that somebody else has touched.
            self._micros = max(self._micros, min(status.st_mtime_ns // 1000, now))
            self._write(RECORD.pack(status.st_size, self._micros))
            self._end = status.st_size
        return True

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)

    def _may_grow(self, size: int, now: int) -> bool:
        return self._bytes < _FREE_BYTES + size // _MOST_OF_LOG or now - self._micros >= 1_000_000

    def _write(self, record: bytes) -> None:
        # Kept for later on a full disk, where the log does not grow much either.
        data = self._unwritten + record
        with suppress(OSError):
            written = os.write(self._opened(), data)
            self._bytes += written
            data = data[written:]
        self._unwritten = data

    def _opened(self) -> int:
        if self._file is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self._times, flags, PRIVATE_FILE)
        return self._file
