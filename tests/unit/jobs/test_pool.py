"""What a decision reads of a long queue."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from pileus.core.schemas.jobs import JobStatus
from pileus.core.schemas.quota import Limit, Quota
from pileus.jobs import line as line_module
from pileus.jobs.line import LOOKAHEAD_HEAD
from pileus.jobs.pool import First, PoolMirror, load_pool
from pileus.jobs.store import MOST_GLANCED_AT, leases, quotas
from pileus.jobs.tables import QUOTAS
from pileus.storage.databases.sqlite import SqliteDatabase
from pileus.storage.errors import DatabaseUnavailable
from tests.unit.jobs.building import CALLER, Failing, Worker, ended, running


async def load(room):
    return await room.database.read(lambda snapshot: load_pool(snapshot, 30))


class TestLoadPool:
    async def test_jobs_that_fit_nowhere_do_not_hide_those_that_do(self, room, worker, monkeypatch):
        monkeypatch.setattr(line_module, "LOOKAHEAD", 3)
        for _ in range(5):
            await room.submit(priority=10, resources={"cpu": 64})
            await room.submit(priority=10, resources={"cpu": 1, "gpu": 1})
        small = await room.submit()

        assert [job.id for job in (await load(room)).queue] == [small.id]
        assert await room.engine.schedule() == 1
        assert (await room.job(small)).status is JobStatus.RUNNING

    async def test_a_full_pool_reads_the_head_of_the_queue_only(self, room, worker):
        await room.submit(resources={"cpu": 4})
        await room.engine.schedule()
        jobs = [await room.submit(resources={"cpu": 4}) for _ in range(LOOKAHEAD_HEAD + 3)]

        found = [job.id for job in (await load(room)).queue]

        assert found == [job.id for job in jobs[:LOOKAHEAD_HEAD]]

    async def test_a_patient_job_has_a_node_kept_free(self, room, worker):
        await room.submit(resources={"cpu": 1})
        await room.engine.schedule()
        report = await worker.start()
        large = await room.submit(resources={"cpu": 4})
        room.clock.advance(61)
        await worker.sync(report)
        await room.submit(resources={"cpu": 1})

        granted = await room.engine.schedule()

        assert granted == 0
        assert (await room.jobs.waiting(await room.job(large))).reason.startswith("Waits for")

    async def test_a_silent_node_is_granted_nothing(self, room, worker):
        job = await room.submit()
        room.clock.advance(31)

        assert await room.engine.schedule() == 0
        waiting = await room.jobs.waiting(job)
        assert waiting.reason == "No node answers; 'n1' did before"

        await worker.sync()
        assert await room.engine.schedule() == 1

    async def test_while_draining_nothing_is_considered_and_the_reason_is_told(self, room, worker):
        job = await room.submit()

        await room.jobs.drain(CALLER)

        assert await room.engine.schedule() == 0
        assert "going down" in (await room.jobs.waiting(job)).reason


class TestFirst:
    async def test_the_first_jobs_are_in_the_order_of_decisions(self, room, worker):
        await room.submit(resources={"cpu": 4})
        await room.engine.schedule()
        jobs = [await room.submit(resources={"cpu": 64}) for _ in range(3)]
        jobs.insert(0, await room.submit(priority=1, resources={"cpu": 64}))
        mirror = PoolMirror(30)

        pool = await room.database.read(lambda s: mirror.load(s, First(2), First(9, "prj_none")))

        assert [[job.id for job in first] for first in pool.firsts] == [
            [j.id for j in jobs[:2]],
            [],
        ]
        assert [job.id for job in pool.queue] == [job.id for job in jobs[:2]]

    async def test_what_ran_before_is_known_of_a_job_that_waits_again(self, room, worker):
        job = await room.submit(max_attempts=2)
        await room.engine.schedule()
        await worker.sync()
        attempt = next(iter(worker.orders.values()))
        await worker.sync(running(attempt))
        room.clock.advance(20)
        await worker.sync(ended(attempt, reason="runner_lost"))

        pool = await load(room)

        assert pool.ran == {job.id: 20.0}


class TestPoolMirror:
    @pytest.mark.parametrize("seed", range(4))
    async def test_what_it_keeps_is_what_is_read_anew(self, room, worker, seed):
        chance = random.Random(seed)
        mirror = PoolMirror(30)
        workers = [worker]
        for step in range(40):
            await chance.choice(
                [_submit, _submit, _schedule, _report, _cancel, _limit, _quiet, _join]
            )(room, workers, chance)
            if step % 3 == 0:
                kept, anew = await room.database.read(lambda s: (mirror.load(s), load_pool(s, 30)))
                assert _plain(kept) == _plain(anew)

    async def test_it_is_close_once_it_was_read_and_while_nobody_reads(self, room, worker):
        mirror, last = PoolMirror(30), await room.database.wait(0, 0)
        before, asked = mirror.is_close(last), []

        class Asking:
            def __init__(self, snapshot):
                self._snapshot = snapshot

            def __getattr__(self, name):
                asked.append(mirror.is_close(last))
                return getattr(self._snapshot, name)

        await room.database.read(mirror.load)
        await room.database.read(lambda snapshot: mirror.load(Asking(snapshot)))

        assert (before, mirror.is_close(last)) == (False, True)
        assert not mirror.is_close(last + MOST_GLANCED_AT + 1)
        assert asked
        assert not any(asked)

    async def test_a_reading_that_failed_is_made_up_for(self, room, worker):
        mirror = PoolMirror(30)
        await room.submit()
        await room.engine.schedule()
        report = await worker.start()
        await room.database.read(mirror.load)
        await worker.sync(ended(report))

        with pytest.raises(DatabaseUnavailable):
            await room.database.read(lambda snapshot: mirror.load(Failing(snapshot, leases.table)))

        assert not (await room.database.read(mirror.load)).held

    async def test_where_the_feed_was_trimmed_all_is_read_anew(self, room, worker):
        mirror = PoolMirror(30)
        await room.database.read(mirror.load)
        jobs = [await room.submit() for _ in range(3)]
        await room.database.write(lambda transaction: transaction.trim_changes(1))

        found = await room.database.read(mirror.load)

        assert [job.id for job in found.queue] == [job.id for job in jobs]

    async def test_a_reader_that_comes_late_sees_its_own_state(self, room, worker):
        if not isinstance(room.database, SqliteDatabase):
            pytest.skip("in memory nothing is written while somebody reads")
        mirror, loop = PoolMirror(30), asyncio.get_running_loop()

        async def ahead():
            await room.submit()
            await room.database.read(mirror.load)

        def late(snapshot):
            snapshot.last_change()
            asyncio.run_coroutine_threadsafe(ahead(), loop).result()
            return mirror.load(snapshot)

        assert (await room.database.read(late)).queue == []
        assert len((await room.database.read(mirror.load)).queue) == 1


def _plain(pool):
    def by_id(rows):
        return sorted(rows, key=lambda row: row.id)

    return replace(
        pool,
        held={node: by_id(held) for node, held in pool.held.items()},
        queue=by_id(pool.queue),
    )


async def _submit(room, workers, chance):
    resources = {"cpu": chance.choice((1, 2, 4, 64)), "memory_mib": 100}
    await room.submit(priority=chance.choice((0, 0, 5)), resources=resources)


async def _schedule(room, workers, chance):
    await room.engine.schedule()


async def _report(room, workers, chance):
    for worker in workers:
        await worker.sync()
        reports = [chance.choice((running, running, ended))(x) for x in worker.orders.values()]
        await worker.sync(*reports)


async def _cancel(room, workers, chance):
    found = (await room.all())[0]
    live = [job for job in found if not job.status.is_final]
    if live:
        await room.jobs.cancel(CALLER, chance.choice(live).id)


async def _limit(room, workers, chance):
    terms = {"cpu_milli": Limit(nominal=1000 * chance.randrange(4))}

    def work(transaction):
        known = quotas.get(transaction, project=CALLER.project)
        if known is None:
            made = {"id": "quo_1", "project": CALLER.project, "created_at": transaction.now}
            quotas.insert(transaction, Quota(**made, limits=terms))
        elif chance.random() < 0.5:
            quotas.swap(transaction, known.model_copy(update={"limits": terms}))
        else:
            transaction.delete(QUOTAS, [("id", "=", known.id)])

    await room.database.write(work)


async def _quiet(room, workers, chance):
    room.clock.advance(chance.choice((1, 20, 61)))


async def _join(room, workers, chance):
    workers.append(await Worker(room, f"n{len(workers) + 1}").register())


class TestDrain:
    async def test_a_plan_made_before_it_is_void(self, room, worker, monkeypatch):
        job = await room.submit()
        jot = room.database.jot

        async def late(work):
            monkeypatch.undo()
            await room.jobs.drain(CALLER)
            return await jot(work)

        monkeypatch.setattr(room.database, "jot", late)
        granted = await room.engine.schedule()

        assert granted == 0
        assert (await room.job(job)).status is JobStatus.QUEUED

    async def test_asking_again_changes_nothing(self, room, worker):
        await room.submit()
        await room.engine.schedule()
        await worker.sync()
        await worker.sync(running(next(iter(worker.orders.values()))))
        await room.jobs.drain(CALLER)
        before = await room.database.read(lambda snapshot: snapshot.last_change())

        assert await room.jobs.drain(CALLER) == 1
        assert await room.database.read(lambda snapshot: snapshot.last_change()) == before

    async def test_another_node_that_comes_gets_nothing(self, room, worker):
        await room.submit()
        await room.jobs.drain(CALLER)

        await Worker(room, "n2").register()

        assert await room.engine.schedule() == 0
