"""What nodes hold, kept from one reading to the next."""

from __future__ import annotations

import asyncio
import random

import pytest

from pileus.core.schemas.jobs import JobStatus
from pileus.jobs.held_mirror import HeldMirror
from pileus.jobs.store import MOST_GLANCED_AT, held_on, jobs, leases
from pileus.storage.databases.sqlite import SqliteDatabase
from pileus.storage.errors import DatabaseUnavailable
from tests.unit.jobs.building import CALLER, Failing, Worker, ended, running


async def on(room, mirror, node):
    return await room.database.read(lambda snapshot: mirror.on(snapshot, node))


class TestHeldMirror:
    @pytest.mark.parametrize("seed", range(4))
    async def test_what_it_keeps_is_what_is_read_anew(self, room, worker, seed):
        chance = random.Random(seed)
        mirror, workers = HeldMirror(), [worker, await Worker(room, "n2").register()]
        for _ in range(40):
            step = chance.choice(("submit", "submit", "schedule", "report", "cancel", "renew"))
            if step == "submit":
                await room.submit(resources={"cpu": chance.choice((1, 2)), "memory_mib": 100})
            elif step == "schedule":
                await room.engine.schedule()
            elif step == "report":
                for one in workers:
                    await one.sync()
                    said = [chance.choice((running, ended))(x) for x in one.orders.values()]
                    await one.sync(*said)
            elif step == "cancel":
                live = [job for job in (await room.all())[0] if not job.status.is_final]
                if live:
                    await room.jobs.cancel(CALLER, chance.choice(live).id)
            else:
                room.clock.advance(20)
            for one in workers if chance.random() < 0.5 else ():
                kept, anew = await room.database.read(
                    lambda s, one=one: (mirror.on(s, one.id), held_on(s, one.id))
                )
                assert kept == anew

    async def test_it_is_close_once_it_was_read_and_until_much_has_changed(self, room, worker):
        mirror, last = HeldMirror(), await room.database.wait(0, 0)
        before = mirror.is_close(last)
        await on(room, mirror, worker.id)

        assert (before, mirror.is_close(last)) == (False, True)
        assert mirror.is_close(last + MOST_GLANCED_AT)
        assert not mirror.is_close(last + MOST_GLANCED_AT + 1)

    async def test_a_change_of_the_lease_or_of_the_job_alone_is_seen(self, room, worker):
        mirror = HeldMirror()
        job = await room.submit()
        await room.engine.schedule()
        [held] = await on(room, mirror, worker.id)

        def change(transaction):
            leases.swap(transaction, held.lease.model_copy(update={"priority": 7}))
            jobs.swap(transaction, held.job.model_copy(update={"name": "other"}))

        await room.database.write(change)

        [found] = await on(room, mirror, worker.id)
        assert (found.lease.priority, found.job.name) == (7, "other")
        assert found.job.id == job.id

    async def test_a_reading_that_failed_is_made_up_for(self, room, worker):
        mirror = HeldMirror()
        job = await room.submit()
        await room.engine.schedule()
        await on(room, mirror, worker.id)
        await room.jobs.cancel(CALLER, job.id)

        with pytest.raises(DatabaseUnavailable):
            await room.database.read(lambda s: mirror.on(Failing(s, jobs.table), worker.id))

        [found] = await on(room, mirror, worker.id)
        assert found.job.stop_requested is not None

    async def test_where_the_feed_was_trimmed_all_is_read_anew(self, room, worker):
        mirror = HeldMirror()
        await on(room, mirror, worker.id)
        job = await room.submit()
        await room.engine.schedule()
        await room.database.write(lambda transaction: transaction.trim_changes(1))

        assert [held.job.id for held in await on(room, mirror, worker.id)] == [job.id]

    async def test_a_reader_that_comes_late_sees_its_own_state(self, room, worker):
        if not isinstance(room.database, SqliteDatabase):
            pytest.skip("in memory nothing is written while somebody reads")
        mirror, loop = HeldMirror(), asyncio.get_running_loop()

        async def ahead():
            await room.submit()
            await room.engine.schedule()
            await on(room, mirror, worker.id)

        def late(snapshot):
            snapshot.last_change()
            asyncio.run_coroutine_threadsafe(ahead(), loop).result()
            return mirror.on(snapshot, worker.id)

        assert await room.database.read(late) == []
        [held] = await on(room, mirror, worker.id)
        assert held.job.status is JobStatus.RUNNING
