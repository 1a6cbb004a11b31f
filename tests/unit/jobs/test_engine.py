"""The engine's verbs; as a whole it is in `tests/integration/test_engine_simulation.py`."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from pileus.core.schemas.jobs import AttemptStatus, JobStatus
from pileus.jobs import line
from pileus.jobs.learning import Learning
from pileus.metering.leases import price_of
from tests.unit.jobs.building import CALLER, SETTINGS


class TestSchedule:
    async def test_a_job_that_is_cancelled_while_the_plan_is_made_does_not_start(
        self, room, worker, monkeypatch
    ):
        job = await room.submit()
        other = await room.submit()
        jot = room.database.jot

        async def late(work):
            monkeypatch.undo()
            await room.jobs.cancel(CALLER, job.id)
            return await jot(work)

        monkeypatch.setattr(room.database, "jot", late)
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

    async def test_what_it_grants_is_no_news_to_itself(self, room, worker):
        await room.submit()
        start = await room.database.wait(0, 0)
        await room.engine.schedule()
        own = room.database.recent(start)
        await room.submit()

        assert {change.noun for change in own} >= {"job", "pool"}
        assert not any(map(room.engine.is_news, own))
        assert any(map(room.engine.is_news, room.database.recent(own[-1].seq)))

    async def test_jobs_of_one_plan_pay_for_what_each_asks_for(self, room, worker):
        asked = [{"cpu": 1}, {"cpu": 2}, {"cpu": 1, "memory_mib": 1024}]
        made = [await room.submit(resources=resources) for resources in asked]

        assert await room.engine.schedule() == 3

        paid = {lease.job: lease.micro_per_hour for lease in (await room.all())[2]}
        expected = await room.database.read(
            lambda s: [price_of(s, job.spec.resources, timedelta(hours=1)) for job in made]
        )
        assert [paid[job.id] for job in made] == expected
        assert len(set(expected)) == 3

    async def test_it_learns_once_a_second_unless_there_is_more(self, room, worker, monkeypatch):
        looks = []
        look = Learning.look

        def counted(self, snapshot):
            looks.append(self)
            found = look(self, snapshot)
            return found._replace(is_all=len(looks) > 1)

        monkeypatch.setattr(Learning, "look", counted)
        for _ in range(4):
            await room.engine.schedule()
        assert len(looks) == 2

        room.clock.advance(1)
        await room.engine.schedule()
        assert len(looks) == 3


class TestMeter:
    async def test_it_charges_up_to_the_last_renewal(self, room, worker):
        await room.submit(resources={"cpu": 2})
        await room.engine.schedule()
        report = await worker.start()
        room.clock.advance(20)
        await worker.sync(report)

        for _ in range(2):
            room.clock.advance(400)
            await room.engine.meter()

        cpu = [e.quantity for e in await room.entries() if e.resource == "cpu"]
        assert sum(cpu) == 2 * 20_000

    async def test_two_meters_post_each_slice_once(self, room, worker):
        await room.submit()
        await room.engine.schedule()
        report = await worker.start()
        room.clock.advance(10)
        await worker.sync(report)

        await asyncio.gather(room.engine.meter(), room.engine.meter())

        cpu = [e.quantity for e in await room.entries() if e.resource == "cpu"]
        assert cpu == [10_000]


class TestRun:
    async def test_a_submit_wakes_it_at_once(self, room, worker):
        loop = asyncio.create_task(room.engine.run())
        await asyncio.sleep(0.02)

        await room.submit()

        # Its clock stands still, so nothing but the submit can have woken it.
        for _ in range(1000):
            if attempts := (await room.all())[1]:
                break
            await asyncio.sleep(0.02)
        loop.cancel()
        assert [a.status for a in attempts] == [AttemptStatus.GRANTED]

    async def test_what_a_decision_did_not_come_to_is_decided_soon(self, room, worker, monkeypatch):
        for name in ("LOOKAHEAD", "LOOKAHEAD_HEAD"):
            monkeypatch.setattr(line, name, 1)
        made = [await room.submit() for _ in range(4)]
        rescued_after = 3 * SETTINGS.rescue_seconds

        began = time.monotonic()
        loop = asyncio.create_task(room.engine.run())
        while any([(await room.job(job)).status is JobStatus.QUEUED for job in made]):
            assert time.monotonic() - began < rescued_after - 1
            await asyncio.sleep(0.01)
        loop.cancel()

        assert len((await room.all())[1]) == 4
