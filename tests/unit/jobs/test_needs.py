"""Jobs that wait for jobs."""

from __future__ import annotations

import pytest

from pileus.core.schemas.jobs import Artifact, JobStatus
from pileus.jobs.ends import Reported
from pileus.jobs.errors import JobNotFound, NeedEnded
from pileus.jobs.tables import JOB_NEEDS
from pileus.server.deletion.errors import StillUsed
from pileus.server.deletion.plans import job as plan_of_job
from tests.unit.jobs.building import CALLER, PROJECT, ended, opened


async def run(room, worker, *, code=0, artifacts=()):
    """Grant what can start, and let the one attempt end."""
    await room.engine.schedule()
    report = await worker.start()
    await worker.sync(ended(report, code=code, artifacts=artifacts))


async def left(room, path, data=b"x"):
    digest = await room.blobs.put_bytes(PROJECT, data)
    return Artifact(path=path, digest=digest, size=len(data))


async def status(room, job):
    return (await room.job(job)).status


class TestAdmit:
    async def test_a_job_with_an_unmet_need_waits_and_nobody_considers_it(self, room, worker):
        first = await room.submit(resources={"cpu": 4})
        second = await room.submit(needs=[first.id])

        assert second.status is JobStatus.WAITING
        assert await room.engine.schedule() == 1
        assert await room.engine.schedule() == 0
        queue = await room.jobs.queue(PROJECT, most=10)
        assert queue.items == ()

    async def test_a_need_that_has_succeeded_is_met(self, room, worker):
        first = await room.submit()
        await run(room, worker)

        second = await room.submit(needs=[first.id])

        assert second.status is JobStatus.QUEUED

    async def test_a_need_that_has_failed_is_refused_unless_any_end_will_do(self, room, worker):
        first = await room.submit()
        await run(room, worker, code=1)

        with pytest.raises(NeedEnded, match="failed already"):
            await room.submit(needs=[first.id])
        assert (await room.submit(needs=[first.id], needs_on="any")).status is JobStatus.QUEUED

    async def test_a_job_of_another_project_is_none(self, room):
        other = CALLER.model_copy(update={"project": "prj_2"})
        first = await room.submit()

        with pytest.raises(JobNotFound):
            await room.jobs.submit(
                other, first.spec.model_copy(update={"needs": (first.id,)}), None
            )

    async def test_a_crowd_that_waits_does_not_hide_one_that_can_start(
        self, room, worker, monkeypatch
    ):
        monkeypatch.setattr("pileus.jobs.line.LOOKAHEAD", 5)
        first = await room.submit(resources={"cpu": 1})
        await room.engine.schedule()
        for _ in range(10):
            await room.submit(needs=[first.id], priority=10)

        small = await room.submit()

        assert await room.engine.schedule() == 1
        assert await status(room, small) is JobStatus.RUNNING


class TestSettle:
    async def test_the_end_of_the_last_need_queues_it(self, room, worker):
        one, two = await room.submit(), await room.submit()
        third = await room.submit(needs=[one.id, two.id])

        await run_each(room, worker)
        assert await status(room, third) is JobStatus.QUEUED
        assert await edges(room) == []

    @pytest.mark.parametrize("code", [1, None])
    async def test_a_need_that_does_not_succeed_cancels_all_behind_it(self, room, worker, code):
        first = await room.submit(name="first")
        second = await room.submit(needs=[first.id])
        third = await room.submit(needs=[second.id])

        if code is None:
            await room.jobs.cancel(CALLER, first.id)
        else:
            await run(room, worker, code=code)

        second, third = await room.job(second), await room.job(third)
        kind = "need_cancelled" if code is None else "need_failed"
        assert (second.status, second.cause.kind, second.cause.need) == (
            JobStatus.CANCELLED,
            kind,
            first.id,
        )
        assert f"It needs 'first' ({first.id})" in second.reason
        assert (third.status, third.cause.kind, third.cause.need) == (
            JobStatus.CANCELLED,
            "need_cancelled",
            second.id,
        )
        assert await edges(room) == []

    async def test_any_end_lets_one_go_on_that_says_so(self, room, worker):
        first = await room.submit()
        second = await room.submit(needs=[first.id], needs_on="any")

        await run(room, worker, code=1)

        assert await status(room, second) is JobStatus.QUEUED

    async def test_a_cancelled_waiting_job_stays_cancelled(self, room, worker):
        first = await room.submit()
        second = await room.submit(needs=[first.id])
        await room.jobs.cancel(CALLER, second.id)

        await run(room, worker)

        assert await status(room, second) is JobStatus.CANCELLED
        assert await edges(room) == []

    async def test_a_retry_of_a_need_is_no_end(self, room, worker):
        first = await room.submit()
        second = await room.submit(needs=[first.id])
        await room.engine.schedule()
        report = await worker.start()

        await worker.sync(ended(report, code=-9, reason="killed"))

        assert await status(room, first) is JobStatus.QUEUED
        assert await status(room, second) is JobStatus.WAITING

    async def test_why_names_the_need(self, room):
        first = await room.submit(name="slow")
        second = await room.submit(needs=[first.id])

        waiting = await room.jobs.waiting(second)

        assert waiting.reason == f"Waits for job 'slow' ({first.id}), which is queued"

    async def test_a_death_before_the_end_is_recorded_leaves_both_as_they_were(
        self, room, worker, monkeypatch
    ):
        first = await room.submit()
        second = await room.submit(needs=[first.id])
        await room.engine.schedule()
        report = await worker.start()

        def killed(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("pileus.jobs.ends.settle", killed)
            with pytest.raises(KeyboardInterrupt):
                await room.ends.record(report.id, Reported({"code": 0}, None, ()))
        assert await status(room, first) is JobStatus.RUNNING
        assert await status(room, second) is JobStatus.WAITING

        await worker.sync(ended(report))
        assert await status(room, second) is JobStatus.QUEUED

    async def test_what_another_job_needs_cannot_be_deleted(self, room, worker):
        first, second = await room.submit(), await room.submit(priority=-1)
        await run_each(room, worker)
        third = await room.submit(needs=[first.id])

        with pytest.raises(StillUsed, match=third.id):
            await room.database.read(lambda s: plan_of_job(s, CALLER, first.id))
        await room.database.read(lambda s: plan_of_job(s, CALLER, second.id))


async def run_each(room, worker):
    await room.engine.schedule()
    await worker.sync()
    for order in list(worker.orders.values()):
        await worker.sync(ended(order))


async def edges(room):
    return await room.database.read(lambda s: s.find(JOB_NEEDS))


class TestOutputs:
    async def test_an_artifact_of_a_need_is_an_input(self, room, worker):
        first = await room.submit()
        second = await room.submit(
            inputs=[{"name": "m", "job": first.id, "artifact": "model.onnx"}]
        )
        kept = [await left(room, "model.onnx"), await left(room, "log.txt", b"y")]

        await run(room, worker, artifacts=tuple(kept))
        await room.engine.schedule()
        await worker.sync()

        [order] = worker.orders.values()
        [given] = order.spec.inputs
        assert (order.job, given.name, given.job) == (second.id, "m", first.id)
        assert [(file.path, file.digest) for file in given.files] == [
            ("model.onnx", kept[0].digest)
        ]

    async def test_a_directory_or_all_that_it_left(self, room, worker):
        first = await room.submit()
        wanted = [{"name": "d", "job": first.id, "artifact": "a"}, {"name": "all", "job": first.id}]
        second = await room.submit(inputs=wanted)
        kept = [await left(room, path) for path in ("a/1", "a/b/2", "ab")]

        await run(room, worker, artifacts=tuple(kept))

        found = {one.name: [f.path for f in one.files] for one in (await room.job(second)).inputs}
        assert found == {"d": ["a/1", "a/b/2"], "all": ["a/1", "a/b/2", "ab"]}

    async def test_an_output_that_is_not_there_cancels_what_reads_it(self, room, worker):
        first = await room.submit()
        second = await room.submit(inputs=[{"name": "m", "job": first.id, "artifact": "gone"}])

        await run(room, worker)

        found = await room.job(second)
        assert found.status is JobStatus.CANCELLED
        assert (found.cause.kind, found.cause.need) == ("output_missing", first.id)
        assert "has left no artifact 'gone'" in found.reason


async def test_two_servers_see_the_same_edges(tmp_path):
    """What a second server over the database finds is what the first one left."""
    async with opened(tmp_path) as room:
        first = await room.submit()
        second = await room.submit(needs=[first.id])
        async with opened(tmp_path / "other", room.clock, room.database) as other:
            await other.jobs.cancel(CALLER, first.id)
            assert await status(other, second) is JobStatus.CANCELLED
