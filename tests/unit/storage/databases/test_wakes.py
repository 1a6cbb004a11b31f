import asyncio

from pileus.storage.databases.wakes import Wakes


async def nothing_new():
    return 0


class TestWait:
    async def test_wakes_all_who_wait_for_less(self):
        wakes = Wakes()
        waiting = [asyncio.create_task(wakes.wait(after, 5, nothing_new)) for after in (0, 1)]
        await asyncio.sleep(0)

        wakes.advance(2)

        assert await asyncio.gather(*waiting) == [2, 2]

    async def test_who_waits_for_more_goes_on_waiting(self):
        wakes = Wakes()
        waiting = asyncio.create_task(wakes.wait(2, 5, nothing_new))
        await asyncio.sleep(0)

        wakes.advance(2)
        await asyncio.sleep(0.01)
        assert not waiting.done()

        wakes.advance(3)
        assert await waiting == 3

    async def test_a_lost_event_is_found_by_looking(self):
        async def seven():
            return 7

        assert await Wakes(rescue_seconds=0.01).wait(0, 5, seven) == 7

    async def test_never_goes_back(self):
        wakes = Wakes()
        wakes.advance(5)
        wakes.advance(3)

        assert wakes.last == 5
