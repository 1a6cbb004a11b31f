"""Follows a log with the times of its lines, which come as a stream of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pileus.core.stamps import TimedLines, shown

TIMES_WAIT_SECONDS = 2
"""A stamp that comes later than this does not come: its runner is of an earlier release."""


class Part(NamedTuple):
    """What the server has of a stream from some offset on."""

    data: bytes
    next_offset: int
    is_final: bool
    attempt: str


def with_times(parts: Iterator[Part], times: Callable[[str, int], Part]) -> Iterator[bytes]:
    """Lines after their times. `times` waits for what is behind an offset of those of an attempt.

    The first part may begin anywhere in the log, and each next one where the one before it ended.
    """
    lines, offset, at = TimedLines(), 0, 0
    for part in parts:
        if not offset:
            offset = part.next_offset - len(part.data)
        lines.add(part.data, offset, part.next_offset)
        offset = part.next_offset
        while lines.wants_times:
            found = times(part.attempt, at)
            lines.add_times(found.data)
            if not found.data:
                if at == 0:
                    lines.expect_no_times()
                break
            at = found.next_offset
        if text := shown(lines.take()):
            yield text
    yield shown(lines.take(is_over=True))
