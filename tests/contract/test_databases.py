"""What services may rely on: units of work are whole, wait for each other, and wake who waits."""

from __future__ import annotations

import asyncio
import time

import pytest

from pileus.storage.errors import DatabaseUnavailable, Stale
from tests.contract.conftest import ITEMS
from tests.contract.test_transactions import inserting, item, names


class Broken(Exception):
    pass


def breaking(*records):
    def work(transaction):
        for record in records:
            transaction.insert(ITEMS, record)
        raise Broken

    return work


@pytest.fixture(params=["write", "jot"])
def write(database, request):
    """Either way to write."""
    return getattr(database, request.param)


@pytest.fixture(params=["read", "glance"])
def read(database, request):
    """Either way to read."""
    return getattr(database, request.param)


class TestWrite:
    async def test_returns_what_the_work_returns(self, write):
        assert await write(lambda _: "result") == "result"

    async def test_a_failed_work_leaves_nothing(self, database, write):
        with pytest.raises(Broken):
            await write(breaking(item("a"), item("b")))

        assert await names(database) == []
        assert await database.read(lambda s: (s.last_change(), s.changes(0))) == (0, [])

    async def test_a_failed_work_restores_what_it_changed(self, database, write):
        await database.write(inserting(item("a"), item("b")))

        def work(transaction):
            transaction.swap(ITEMS, item("a", amount=100, name="c"))
            transaction.delete(ITEMS, [("id", "=", "item_b")])
            raise Broken

        with pytest.raises(Broken):
            await write(work)

        found = await database.read(lambda s: s.find(ITEMS, order=["name"]))
        assert found == [item("a"), item("b")]
        assert await database.read(lambda s: s.last_change()) == 2

    async def test_one_that_fails_takes_no_other_along(self, database, write):
        works = [
            breaking(item(f"n{n:02}")) if n % 5 == 0 else inserting(item(f"n{n:02}"))
            for n in range(40)
        ]

        outcomes = await asyncio.gather(*map(write, works), return_exceptions=True)

        kept = [f"n{n:02}" for n in range(40) if n % 5]
        assert [type(o) for n, o in enumerate(outcomes) if n % 5 == 0] == [Broken] * 8
        assert [o for n, o in enumerate(outcomes) if n % 5] == [None] * 32
        assert await names(database, order=["name"]) == kept
        changes = await database.read(lambda s: s.changes(0))
        assert sorted(c.id for c in changes) == [f"item_{name}" for name in kept]

    async def test_two_hundred_increments_at_once_sum_exactly(self, database, write):
        await database.write(inserting(item("a", amount=0)))

        async def increment():
            while True:
                row = await database.read(lambda s: s.get(ITEMS, id="item_a"))
                more = {**row, "amount": row["amount"] + 1}
                try:
                    return await write(lambda t, row=more: t.swap(ITEMS, row))
                except Stale:
                    continue

        # Twenty at a time is contention enough; two hundred would re-read quadratically.
        gate = asyncio.Semaphore(20)

        async def gated():
            async with gate:
                await increment()

        await asyncio.gather(*(gated() for _ in range(200)))

        row = await database.read(lambda s: s.get(ITEMS, id="item_a"))
        assert (row["amount"], row["rev"]) == (200, 201)
        assert await database.read(lambda s: s.last_change()) == 201

    async def test_works_that_read_and_then_write_wait_for_each_other(self, database, write):
        await database.write(inserting(item("a", amount=0)))

        def work(transaction):
            row = transaction.get(ITEMS, id="item_a")
            transaction.swap(ITEMS, {**row, "amount": row["amount"] + 1})

        await asyncio.gather(*(write(work) for _ in range(200)))

        assert (await database.read(lambda s: s.get(ITEMS, id="item_a")))["amount"] == 200

    async def test_both_ways_share_one_order(self, database):
        await database.write(inserting(item("a", amount=0)))

        def work(transaction):
            row = transaction.get(ITEMS, id="item_a")
            transaction.swap(ITEMS, {**row, "amount": row["amount"] + 1})

        ways = (database.write, database.jot)
        works = [
            way(breaking(item("b")) if n % 7 == 0 else work) for n in range(1, 71) for way in ways
        ]
        outcomes = await asyncio.gather(*works, return_exceptions=True)

        assert [type(one) for one in outcomes if one is not None] == [Broken] * 20
        assert (await database.read(lambda s: s.get(ITEMS, id="item_a")))["amount"] == 120
        changes = await database.read(lambda s: s.changes(0, limit=1000))
        assert [change.seq for change in changes] == list(range(1, 122))

    async def test_who_has_written_finds_it_told(self, database, write):
        for n in range(20):
            await write(inserting(item(f"n{n}")))

            assert [change.id for change in database.recent(n) or []] == [f"item_n{n}"]

    async def test_one_that_stops_an_iteration_fails_alone(self, database, write):
        def work(transaction):
            next(iter(()))

        outcomes = await asyncio.gather(
            write(inserting(item("a"))),
            write(work),
            write(inserting(item("b"))),
            return_exceptions=True,
        )

        assert [type(one) for one in outcomes] in (
            [type(None), RuntimeError, type(None)],
            [type(None), StopIteration, type(None)],
        )
        assert sorted(await names(database)) == ["a", "b"]

    async def test_one_that_is_given_up_while_it_runs_takes_nobody_along(self, database, write):
        loop = asyncio.get_running_loop()
        given_up: list[asyncio.Task[None]] = []

        def work(transaction):
            loop.call_soon_threadsafe(given_up[0].cancel)
            inserting(item("a"))(transaction)

        given_up.append(asyncio.create_task(write(work)))
        others = [write(inserting(item(name))) for name in ("b", "c")]
        outcomes = await asyncio.gather(given_up[0], *others, return_exceptions=True)

        assert outcomes[1:] == [None, None]
        assert sorted(await names(database)) == ["a", "b", "c"]
        assert [change.id[-1] for change in database.recent(0) or []] == ["a", "b", "c"]


class TestRead:
    async def test_a_snapshot_does_not_move(self, database, read):
        await database.write(inserting(*(item(f"n{n}", amount=1) for n in range(10))))

        def move(transaction):
            for n in (0, 1):
                row = transaction.get(ITEMS, id=f"item_n{n}")
                step = 1 if n else -1
                transaction.swap(ITEMS, {**row, "amount": row["amount"] + step})

        def look(snapshot):
            before = snapshot.total(ITEMS, ["amount"])[0]["amount"], snapshot.last_change()
            time.sleep(0.01)
            return (
                before
                == (
                    snapshot.total(ITEMS, ["amount"])[0]["amount"],
                    snapshot.last_change(),
                )
                and before[0] == 10
            )

        outcomes = await asyncio.gather(
            *(database.write(move) for _ in range(20)), *(read(look) for _ in range(20))
        )

        assert outcomes == [None] * 20 + [True] * 20


class TestRecent:
    async def test_it_has_what_was_committed_and_no_more(self, database):
        before = await database.wait(0, 0)
        await asyncio.gather(
            database.write(inserting(item("a"))),
            database.write(breaking(item("b"))),
            database.write(inserting(item("c"))),
            return_exceptions=True,
        )
        await database.wait(before + 1, 5)

        written = await database.read(lambda snapshot: snapshot.changes(before))
        assert [change.id for change in written] == ["item_a", "item_c"]
        assert list(database.recent(before) or []) == written
        assert list(database.recent(written[-1].seq) or []) == []


class TestWait:
    async def test_answers_at_once_when_there_is_something(self, database):
        await database.write(inserting(item("a")))

        assert await asyncio.wait_for(database.wait(0, 60), timeout=2) == 1

    async def test_wakes_at_once(self, database):
        waiting = asyncio.create_task(database.wait(0, 60))
        await asyncio.sleep(0.05)

        await database.write(inserting(item("a")))

        # Far below the interval of any polling.
        assert await asyncio.wait_for(waiting, timeout=0.8) == 1

    async def test_gives_up_in_time(self, database):
        assert await asyncio.wait_for(database.wait(0, 0.05), timeout=2) == 0

    async def test_a_failed_work_wakes_nobody(self, database):
        waiting = asyncio.create_task(database.wait(0, 0.2))
        await asyncio.sleep(0)

        with pytest.raises(Broken):
            await database.write(breaking(item("a")))

        assert await waiting == 0


class TestClose:
    async def test_what_was_queued_is_finished(self, database):
        writing = asyncio.gather(*(database.write(inserting(item(f"n{n}"))) for n in range(20)))
        await asyncio.sleep(0)

        await database.close()

        assert await writing == [None] * 20

    async def test_a_closed_database_says_so(self, database):
        await database.close()

        for closed in (database.write, database.jot, database.read, database.glance):
            with pytest.raises(DatabaseUnavailable):
                await closed(lambda _: None)
