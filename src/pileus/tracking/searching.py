"""Finds lines of a log as it streams by: those that contain a text, the last so many.

Plain text and no pattern: a regular expression may take for ever on a line made for it, and the server
answers others meanwhile. Memory is bounded by the lines of one piece, and for a tail by TAIL_BYTES.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator

from pileus.core.stamps import LINE_BYTES

TAIL_BYTES = 16 * 1024 * 1024
"""The last lines that are asked for are no more than this together."""


async def matching(
    pieces: AsyncIterator[bytes], text: bytes, mark_bytes: int = 0
) -> AsyncIterator[bytes]:
    """Lines that contain `text`, whole, some at a time; every line when it is empty.

    The first `mark_bytes` of each are not looked at.
    """
    held = b""
    async for piece in pieces:
        data = held + piece
        end = data.rfind(b"\n") + 1 or (len(data) if len(data) >= LINE_BYTES else 0)
        held = data[end:]
        if found := b"".join(_lines_with(data[:end], text, mark_bytes)):
            yield found
    if held and text in held[mark_bytes:]:
        yield held


async def last(pieces: AsyncIterator[bytes], count: int) -> bytes:
    """The last `count` of whole lines that come some at a time."""
    kept: deque[bytes] = deque()
    size = 0
    async for piece in pieces:
        for line in piece.splitlines(keepends=True)[-count:]:
            kept.append(line)
            size += len(line)
        while len(kept) > count or size > TAIL_BYTES:
            size -= len(kept.popleft())
    return b"".join(kept)


def _lines_with(data: bytes, text: bytes, mark_bytes: int) -> Iterator[bytes]:
    if not text:
        yield data
        return
    at = data.find(text)
    while at >= 0:
        start, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at) + 1 or len(data)
        if at < start + mark_bytes:
            at = data.find(text, start + mark_bytes)
            continue
        yield data[start:end]
        at = data.find(text, end)
