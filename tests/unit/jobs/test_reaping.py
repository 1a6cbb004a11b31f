"""Leases that ran out."""

from __future__ import annotations

from pileus.core.schemas.jobs import AttemptStatus, JobStatus
from tests.unit.jobs.building import Worker, ended

FENCE = 600 + 30


async def lose(room):
    """As the engine's loop does: look, and look again a lease later."""
    await room.reaper.reap()
    room.clock.advance(31)
    return await room.reaper.reap()


class TestReap:
    async def test_a_lease_in_time_is_left_alone(self, room, worker):
        await room.submit()
        await room.engine.schedule()
        await worker.start()

        room.clock.advance(29)

        assert await room.reaper.reap() == 0
        assert (await room.all())[1][0].status is AttemptStatus.RUNNING

    async def test_no_other_attempt_starts_before_the_fence(self, room, worker):
        job = await room.submit()
        await room.engine.schedule()
        await worker.start()
        other = Worker(room, "n2", boot_id="b2")

        room.clock.advance(FENCE - 40)
        lost = await lose(room)
        await other.register()

        assert lost == 0
        assert await room.engine.schedule() == 0
        assert (await room.job(job)).status is JobStatus.RUNNING

    async def test_after_the_fence_the_job_runs_elsewhere_and_pays_to_the_leases_end(
        self, room, worker
    ):
        job = await room.submit(resources={"cpu": 1, "memory_mib": 1024})
        await room.engine.schedule()
        await worker.start()

        room.clock.advance(FENCE + 40)
        assert await lose(room) == 1
        await Worker(room, "n2", boot_id="b2").register()
        assert await room.engine.schedule() == 1

        found = await room.job(job)
        assert (found.failures, found.attempts) == (1, 2)
        cpu = sum(e.quantity for e in await room.entries() if e.resource == "cpu")
        assert cpu == 30_000

    async def test_a_machine_that_slept_gives_its_nodes_time_to_speak(self, room, worker):
        job = await room.submit()
        await room.engine.schedule()
        report = await worker.start()

        room.clock.advance(8 * 3600)
        assert await room.reaper.reap() == 0
        await worker.sync(report)
        room.clock.advance(5)

        assert await room.reaper.reap() == 0
        assert (await room.job(job)).attempts == 1

    async def test_a_cancelled_job_on_a_dead_node_comes_to_its_end(self, room, worker):
        from tests.unit.jobs.building import CALLER  # used once

        job = await room.submit()
        await room.engine.schedule()
        await worker.start()
        await room.jobs.cancel(CALLER, job.id)

        room.clock.advance(FENCE + 40)
        await lose(room)

        assert (await room.job(job)).status is JobStatus.CANCELLED

    async def test_a_late_end_of_a_lost_attempt_changes_nothing(self, room, worker):
        job = await room.submit()
        await room.engine.schedule()
        report = await worker.start()
        room.clock.advance(FENCE + 40)
        await lose(room)

        orders = await worker.sync(ended(report))

        assert orders.forget == (report.id,)
        assert (await room.job(job)).status is JobStatus.QUEUED
