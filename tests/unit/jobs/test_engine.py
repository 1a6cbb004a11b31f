"""The engine's verbs, and the engine as a whole in a world where everything goes wrong."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pileus.core.schemas.jobs import AttemptStatus, JobStatus
from tests.unit.jobs.building import CALLER, opened
from tests.unit.jobs.simulation import World


async def live(history: list[int]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with opened(Path(directory)) as room:
            world = World(room)
            await world.start()
            for number in history:
                await world.step(number)
            await world.settle()


class TestWorld:
    @settings(
        max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(st.integers(0, 14 * 12 - 1), min_size=20, max_size=80))
    def test_invariants_hold_and_every_job_ends(self, history: list[int]) -> None:
        asyncio.run(live(history))


class TestSchedule:
    async def test_a_job_that_is_cancelled_while_the_plan_is_made_does_not_start(
        self, room, worker, monkeypatch
    ):
        job = await room.submit()
        other = await room.submit()
        write = room.database.write

        async def late(work):
            monkeypatch.undo()
            await room.jobs.cancel(CALLER, job.id)
            return await write(work)

        monkeypatch.setattr(room.database, "write", late)
        overtaken = await room.engine.schedule()
        then = await room.engine.schedule()

        assert (overtaken, then) == (0, 1)
        assert (await room.job(job)).status is JobStatus.CANCELLED
        assert (await room.job(other)).status is JobStatus.RUNNING

    async def test_two_engines_grant_one_job_once(self, room, worker):
        await room.submit()

        granted = await asyncio.gather(room.engine.schedule(), room.engine.schedule())

        assert sum(granted) == 1
        assert len((await room.all())[1]) == 1


class TestMeter:
    async def test_it_never_charges_beyond_the_lease(self, room, worker):
        await room.submit(resources={"cpu": 2})
        await room.engine.schedule()
        await worker.start()

        room.clock.advance(400)
        await room.engine.meter()
        await room.engine.meter()

        cpu = [e.quantity for e in await room.entries() if e.resource == "cpu"]
        assert sum(cpu) == 2 * 30_000

    async def test_two_meters_post_each_slice_once(self, room, worker):
        await room.submit()
        await room.engine.schedule()
        await worker.start()
        room.clock.advance(10)

        await asyncio.gather(room.engine.meter(), room.engine.meter())

        cpu = [e.quantity for e in await room.entries() if e.resource == "cpu"]
        assert cpu == [10_000]


class TestRun:
    async def test_a_submit_wakes_it_at_once(self, room, worker):
        loop = asyncio.create_task(room.engine.run())
        await asyncio.sleep(0.02)

        await room.submit()
        await asyncio.sleep(0.2)

        loop.cancel()
        attempts = (await room.all())[1]
        assert [a.status for a in attempts] == [AttemptStatus.GRANTED]
