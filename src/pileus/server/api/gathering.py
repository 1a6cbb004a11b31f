"""Gathers the parts of a body that come close together.

A body arrives in parts of some kilobytes, and to hand one to a thread costs the same whatever its
size: several times what writing it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

_CLOSE_SECONDS = 0.003
"""What comes within so long after a part goes with it."""

_MOST_BYTES = 1024 * 1024
"""Nothing more is taken from the connection while so much waits."""


async def gathered(parts: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """`parts` in their order, none of them empty; what came before an error, and then the error.

    The first goes on at once: of a body that is short somebody waits for the one line.
    """
    waiting: list[bytes] = []
    is_first = True
    came, taken = asyncio.Event(), asyncio.Event()

    async def take_in() -> None:
        size = 0
        async for part in parts:
            if not part:
                continue
            size = size + len(part) if waiting else len(part)
            waiting.append(part)
            came.set()
            if size >= _MOST_BYTES:
                taken.clear()
                await taken.wait()

    taking = asyncio.create_task(take_in())
    taking.add_done_callback(lambda _: came.set())
    try:
        while True:
            await came.wait()
            if not (is_first or taking.done()):
                await asyncio.sleep(_CLOSE_SECONDS)
            is_first = False
            is_over = taking.done()
            data = b"".join(waiting)
            waiting.clear()
            came.clear()
            taken.set()
            if data:
                yield data
            if is_over:
                break
        await taking
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
