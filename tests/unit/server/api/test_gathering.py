"""Parts of a body that come close together."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from pileus.server.api import gathering as module
from pileus.server.api.gathering import gathered


async def coming(*parts, then=None):
    for part in parts:
        yield part
    if then is not None:
        raise then


async def all_of(parts):
    return [data async for data in gathered(parts)]


class TestGathered:
    async def test_what_comes_at_once_is_one(self):
        assert await all_of(coming(b"one\n", b"", b"two\n")) == [b"one\ntwo\n"]

    async def test_of_nothing_comes_nothing(self):
        assert await all_of(coming(b"")) == []

    async def test_what_comes_later_is_not_waited_for(self):
        more = asyncio.Event()

        async def slow():
            yield b"one\n"
            await more.wait()
            yield b"two\n"

        found = []
        async with asyncio.timeout(5):
            async for data in gathered(slow()):
                found.append(data)
                more.set()

        assert found == [b"one\n", b"two\n"]

    async def test_what_came_before_an_error_comes_before_it(self):
        found = []

        async def read():
            async for data in gathered(coming(b"one\n", then=ConnectionError())):
                found.append(data)  # noqa: PERF401  it raises after the first

        with pytest.raises(ConnectionError):
            await read()

        assert found == [b"one\n"]

    async def test_no_more_is_taken_in_than_there_is_room_for(self, monkeypatch):
        monkeypatch.setattr(module, "_MOST_BYTES", 10)
        taken = 0

        async def endless():
            nonlocal taken
            while True:
                taken += 4
                yield b"1234"

        async with aclosing(gathered(endless())) as parts:
            first = await anext(parts)
            for _ in range(100):
                await asyncio.sleep(0)

        assert first == b"1234" * 3
        assert taken <= 2 * 16

    async def test_all_of_a_long_body_comes_in_order(self, monkeypatch):
        monkeypatch.setattr(module, "_MOST_BYTES", 100)
        parts = [bytes([number]) * 30 for number in range(50)]

        async with asyncio.timeout(5):
            found = await all_of(coming(*parts))

        assert b"".join(found) == b"".join(parts)

    async def test_who_has_enough_ends_the_taking(self):
        is_ended = asyncio.Event()

        async def watched():
            try:
                yield b"one\n"
                await asyncio.Event().wait()
            finally:
                is_ended.set()

        async with aclosing(gathered(watched())) as parts:
            await anext(parts)

        assert is_ended.is_set()
