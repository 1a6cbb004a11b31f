import asyncio

from pileus.storage.databases.wakes import KEPT, Wakes
from pileus.storage.transaction import Change


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


def changes(first, last):
    return [Change(seq, "prj", "job", f"job_{seq}", 1) for seq in range(first, last + 1)]


class TestRecent:
    def test_what_this_process_wrote_is_remembered(self):
        wakes = Wakes()
        wakes.advance(0)

        wakes.advance(2, changes(1, 2))
        wakes.advance(4, changes(3, 4))

        assert wakes.recent(1) == changes(2, 4)
        assert wakes.recent(4) == []

    def test_what_another_server_wrote_has_to_be_read(self):
        wakes = Wakes()
        wakes.advance(2, changes(1, 2))

        wakes.advance(3)
        assert wakes.recent(0) is None

        wakes.advance(5, changes(4, 5))
        assert wakes.recent(2) is None
        assert wakes.recent(3) == changes(4, 5)

    def test_what_was_written_before_it_started_has_to_be_read(self):
        wakes = Wakes()
        wakes.advance(7)

        assert wakes.recent(6) is None
        assert wakes.recent(7) == []

    def test_it_remembers_a_number_of_them(self):
        wakes = Wakes()

        wakes.advance(KEPT + 2, changes(1, KEPT + 2))

        assert wakes.recent(1) is None
        assert wakes.recent(2) == changes(3, KEPT + 2)
