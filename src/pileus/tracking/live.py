"""The file of a stream that may still grow, and what is left out of its middle.

A log that outgrows what is kept of one loses its middle while it is written: first a file beside it says
which part that is, then its blocks are freed. Offsets stay those of the log as it was written, and
who reads looks at the gap after the bytes, so that nobody takes a hole for what was written.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from pileus.core.failpoints import failpoint
from pileus.core.holes import punch
from pileus.core.stamps import SUFFIX
from pileus.storage.errors import StorageFull
from pileus.tracking.errors import StreamGap
from pileus.tracking.quota import Gap, gap_of, gap_of_times

READ_BYTES = 1024 * 1024
"""At most this much of a stream in one answer."""

SMALL_BYTES = 64 * 1024
"""So much goes to or comes from a file of this machine in less than it takes to hand it to a thread."""

_SLACK_PART = 8
"""A live log may be larger than what is kept by this part of it: the middle goes a piece at a time."""


def append_at_once(path: Path, offset: int, data: bytes, most: int | None = None) -> int | None:
    """`append`, where that takes no time; None where somebody holds the file, or it is much to do."""
    if len(data) > SMALL_BYTES or (most is not None and offset + len(data) > most):
        return None
    try:
        return append(path, offset, data, lock=fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def append(
    path: Path, offset: int, data: bytes, most: int | None = None, lock: int = fcntl.LOCK_EX
) -> int:
    """Append `data` that belongs at `offset`; where the file now ends.

    Of a log, about the first and the last half of `most` bytes stay. Raises StreamGap, StorageFull; and
    BlockingIOError, where `lock` waits for nobody.
    """
    try:
        file = _opened(path)
        try:
            # The same bytes may come twice at once: a client that gave up, and its repetition.
            fcntl.flock(file, lock)
            end = os.fstat(file).st_size
            if offset > end:
                raise StreamGap(
                    f"Offset {offset} is beyond the end of {path.name!r}, which is {end}",
                    hint=f"Send the bytes from offset {end}.",
                )
            new = memoryview(data)[end - offset :]
            while new:
                written = os.write(file, new)
                new = new[written:]
                end += written
            if most is not None and end > most + most // _SLACK_PART:
                _shorten(path, end, most)
            return end
        finally:
            os.close(file)
    except BlockingIOError:
        raise
    except OSError as error:
        raise StorageFull(
            f"Stream {path.name!r} could not be written: {error.strerror}",
            hint="Free disk space; the worker sends the bytes again.",
        ) from error


def _opened(path: Path) -> int:
    # A descriptor, for each call more of a thread takes its turn with all others.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, flags, 0o666)


def read(path: Path, offset: int) -> tuple[bytes, int] | None:
    """At most READ_BYTES from `offset`, and where the next are; None where there is no file."""
    data = read_file(path, offset)
    if data is None:
        return None
    gap = gap_in(path)
    if gap is None or offset >= gap.end or offset + len(data) <= gap.start:
        return data, offset + len(data)
    if offset < gap.start:
        return data[: gap.start - offset], gap.start
    if path.name.endswith(SUFFIX):
        return read(path, gap.end)
    return gap.text, gap.end


def is_small(path: Path, offset: int) -> bool:
    """Whether there is little behind `offset`, or no file."""
    try:
        return path.stat().st_size - offset <= SMALL_BYTES
    except FileNotFoundError:
        return True


def read_file(path: Path, offset: int) -> bytes | None:
    """At most READ_BYTES of what is in the file."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(READ_BYTES)
    except FileNotFoundError:
        return None


def gap_in(path: Path) -> Gap | None:
    """What is already left out of a live log, or of the times of one."""
    try:
        return Gap(**json.loads(_gap_path(path).read_text("ascii")))
    except FileNotFoundError:
        return None


def remove(path: Path) -> None:
    """The file, and the word of what it lacks."""
    path.unlink(missing_ok=True)
    failpoint("stream.removed")
    _gap_path(path).unlink(missing_ok=True)


@asynccontextmanager
async def unchanged(path: Path) -> AsyncIterator[None]:
    """Nothing is appended meanwhile: an attempt that was given up may still write."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:  # somebody writes
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_SH)
        yield


def _shorten(path: Path, size: int, most: int) -> None:
    known = gap_in(path)
    if known is not None and size - known.size <= most + most // _SLACK_PART:
        return
    gap = gap_of(path, most, known)
    if gap is None:
        return
    _leave_out(path, gap)
    times = path.with_name(path.name + SUFFIX)
    with suppress(FileNotFoundError):
        of_times = gap_of_times(times, gap, gap_in(times))
        if of_times is not None:
            _leave_out(times, of_times)


def _leave_out(path: Path, gap: Gap) -> None:
    target = _gap_path(path)
    temporary = target.with_name(f".{target.name}")
    temporary.write_text(json.dumps(asdict(gap)), "ascii")
    failpoint("stream.gap_written")
    temporary.replace(target)
    failpoint("stream.gap_recorded")
    with path.open("r+b") as file:
        punch(file.fileno(), gap.start, gap.end)


def _gap_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.gap")
