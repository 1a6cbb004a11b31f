"""What a decision reads of a long queue."""

from __future__ import annotations

from pileus.core.schemas.jobs import JobStatus
from pileus.jobs import pool as pool_module
from pileus.jobs.pool import LOOKAHEAD_HEAD, load_pool
from tests.unit.jobs.building import CALLER, Worker, running


async def load(room):
    return await room.database.read(lambda snapshot: load_pool(snapshot, 30))


class TestLoadPool:
    async def test_jobs_that_fit_nowhere_do_not_hide_those_that_do(self, room, worker, monkeypatch):
        monkeypatch.setattr(pool_module, "LOOKAHEAD", 3)
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


class TestDrain:
    async def test_a_plan_made_before_it_is_void(self, room, worker, monkeypatch):
        job = await room.submit()

        async def late(work):
            await room.jobs.drain(CALLER)
            monkeypatch.undo()
            return await room.database.write(work)

        monkeypatch.setattr(room.engine, "_database", _Delayed(room.database, late))
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


class _Delayed:
    """A database whose next write lets something else go first."""

    def __init__(self, database, write):
        self.read = database.read
        self.write = write
