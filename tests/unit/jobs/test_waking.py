"""Who is woken by the change feed."""

from __future__ import annotations

import asyncio

from pileus.jobs.waking import wait_for_news


class TestWaitForNews:
    async def test_what_is_no_news_wakes_nobody_and_is_not_read_again(self, room):
        start = await room.database.read(lambda snapshot: snapshot.last_change())
        waiting = asyncio.create_task(
            wait_for_news(room.database, room.clock, start, lambda c: c.noun == "pool", 30)
        )
        await asyncio.sleep(0.02)
        await room.submit()
        await asyncio.sleep(0.05)
        still_waits = not waiting.done()

        await room.nodes.register(_registration())
        end = await asyncio.wait_for(waiting, 5)

        assert still_waits
        assert end == await room.database.read(lambda snapshot: snapshot.last_change())

    async def test_it_returns_when_time_is_up(self, room):
        start = await room.database.read(lambda snapshot: snapshot.last_change())

        assert await wait_for_news(room.database, room.clock, start, bool, 0.01) == start


def _registration():
    from pileus.core.schemas.jobs import Registration  # built once
    from pileus.core.schemas.resources import Capacity

    return Registration(
        name="n9",
        boot_id="b",
        capacity=Capacity(cpu_milli=1, memory_mib=1),
        pid=1,
        version="0",
    )
