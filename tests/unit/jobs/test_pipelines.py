"""Pipelines over the engine."""

from __future__ import annotations

import pytest

from pileus.core.schemas.jobs import JobStatus
from pileus.core.schemas.pipelines import PipelineSpec
from pileus.jobs.errors import PipelineEnded, PipelineNotFound, PipelineNotOver, PipelineRefused
from pileus.jobs.pipelines import PipelineService
from pileus.security.audit import AuditLog
from pileus.server.deletion.errors import StillUsed
from pileus.server.deletion.plans import pipeline as plan_of_pipeline
from pileus.storage.idempotency import Once
from tests.unit.jobs.building import CALLER, PROJECT, ended
from tests.unit.jobs.test_needs import left


@pytest.fixture
def pipelines(room):
    return PipelineService(room.database, room.ids.new, AuditLog(room.ids.new), room.jobs)


def spec(**jobs):
    base = {"kind": "command"}
    named = {
        name: base | {"command": [name]} | (more if isinstance(more, dict) else {"needs": more})
        for name, more in jobs.items()
    }
    return PipelineSpec.model_validate({"name": "nightly", "jobs": named})


async def run(room, worker, *, fails=(), artifacts=()):
    """Let all that can start end, until nothing can."""
    while await room.engine.schedule():
        await worker.sync()
        for order in list(worker.orders.values()):
            code = int(order.spec.command[0] in fails)
            await worker.sync(ended(order, code=code, artifacts=artifacts))


def statuses(view):
    return {step.name: step.status.value for step in view.steps}


DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


class TestSubmit:
    async def test_jobs_run_in_the_order_of_their_needs(self, room, worker, pipelines):
        made = await pipelines.submit(CALLER, spec(**DIAMOND), None)

        assert made.status is JobStatus.QUEUED
        assert statuses(made) == {"a": "queued", "b": "waiting", "c": "waiting", "d": "waiting"}
        await run(room, worker)
        found = await pipelines.pipeline(PROJECT, made.id)
        assert found.status is JobStatus.SUCCEEDED
        [a, *_] = sorted((await room.all())[0], key=lambda job: job.id)
        assert (a.name, a.step, a.pipeline) == ("a", "a", made.id)

    async def test_one_bad_job_and_none_is_submitted(self, room, pipelines):
        bad = spec(a=[], b={"needs": ["a"], "inputs": [{"name": "x", "dataset": "gone"}]})

        with pytest.raises(PipelineRefused, match=r"Job 'b': .*gone"):
            await pipelines.submit(CALLER, bad, None)

        assert await room.jobs.jobs(PROJECT) == []
        assert await pipelines.pipelines(PROJECT) == []

    async def test_a_job_that_names_a_missing_secret_is_named_itself(self, room, pipelines):
        with pytest.raises(PipelineRefused, match="Job 'b': Secret 'PW' not found"):
            await pipelines.check(CALLER, spec(a=[], b={"secrets": ["PW"]}))

    async def test_a_check_says_the_order_and_keeps_nothing(self, room, pipelines):
        assert await pipelines.check(CALLER, spec(b=["a"], a=[])) == ["a", "b"]
        assert await room.jobs.jobs(PROJECT) == []

    async def test_sent_twice_is_submitted_once(self, room, pipelines):
        once = Once("k", "r")
        first = await pipelines.submit(CALLER, spec(a=[]), once)

        assert (await pipelines.submit(CALLER, spec(a=[]), once)).id == first.id
        assert len(await room.jobs.jobs(PROJECT)) == 1

    async def test_an_output_is_read_by_the_name_of_its_job(self, room, worker, pipelines):
        read = {"inputs": [{"name": "m", "job": "a", "artifact": "out"}]}
        made = await pipelines.submit(CALLER, spec(a=[], b=read), None)

        await run(room, worker, artifacts=(await left(room, "out"),))

        found = await pipelines.pipeline(PROJECT, made.id)
        assert found.status is JobStatus.SUCCEEDED
        b = await room.job(found.steps[1].job)
        assert (b.inputs[0].job, b.inputs[0].files[0].path) == (found.steps[0].job, "out")

    async def test_one_of_another_project_is_not_found(self, room, pipelines):
        made = await pipelines.submit(CALLER, spec(a=[]), None)

        with pytest.raises(PipelineNotFound):
            await pipelines.pipeline("prj_2", made.id)


class TestCancel:
    async def test_what_waits_ends_at_once_and_what_runs_is_asked(self, room, worker, pipelines):
        made = await pipelines.submit(CALLER, spec(**DIAMOND), None)
        await room.engine.schedule()

        found = await pipelines.cancel(CALLER, made.id)

        assert statuses(found) == {
            "a": "running",
            "b": "cancelled",
            "c": "cancelled",
            "d": "cancelled",
        }
        assert (await room.job(found.steps[0].job)).stop_requested == "cancel"

    async def test_one_that_has_succeeded_is_not_cancelled(self, room, worker, pipelines):
        made = await pipelines.submit(CALLER, spec(a=[]), None)
        await run(room, worker)

        with pytest.raises(PipelineEnded):
            await pipelines.cancel(CALLER, made.id)


class TestRetry:
    async def test_it_goes_on_from_where_it_failed(self, room, worker, pipelines):
        made = await pipelines.submit(CALLER, spec(**DIAMOND), None)
        await run(room, worker, fails={"b"})
        failed = await pipelines.pipeline(PROJECT, made.id)
        assert failed.status is JobStatus.FAILED
        assert statuses(failed) == {
            "a": "succeeded",
            "b": "failed",
            "c": "succeeded",
            "d": "cancelled",
        }

        again = await pipelines.retry(CALLER, made.id, None)
        await run(room, worker)

        found = await pipelines.pipeline(PROJECT, made.id)
        assert again.status is JobStatus.QUEUED
        assert found.status is JobStatus.SUCCEEDED
        assert {step.name: step.tries for step in found.steps} == {"a": 1, "b": 2, "c": 1, "d": 2}

    async def test_one_that_still_runs_or_has_succeeded_is_not_retried(
        self, room, worker, pipelines
    ):
        made = await pipelines.submit(CALLER, spec(a=[]), None)
        with pytest.raises(PipelineNotOver):
            await pipelines.retry(CALLER, made.id, None)
        await run(room, worker)
        with pytest.raises(PipelineEnded):
            await pipelines.retry(CALLER, made.id, None)

    async def test_what_has_succeeded_elsewhere_meanwhile_is_reused(self, room, worker, pipelines):
        made = await pipelines.submit(CALLER, spec(a=[], b=["a"]), None)
        await run(room, worker, fails={"a"})
        other = await room.submit(command=["a"])
        await run(room, worker)

        again = await pipelines.retry(CALLER, made.id, None)

        assert again.steps[0].reused == other.id
        assert statuses(again) == {"a": "succeeded", "b": "queued"}

    async def test_a_retry_that_is_sent_twice_happens_once(self, room, worker, pipelines):
        made = await pipelines.submit(CALLER, spec(a=[]), None)
        await run(room, worker, fails={"a"})

        for _ in range(2):
            found = await pipelines.retry(CALLER, made.id, Once("k", "r"))

        assert found.steps[0].tries == 2


class TestDelete:
    async def test_only_one_that_has_ended_goes(self, room, worker, pipelines):
        made = await pipelines.submit(CALLER, spec(a=[]), None)
        with pytest.raises(StillUsed, match="is queued"):
            await room.database.read(lambda s: plan_of_pipeline(s, CALLER, made.id))
        await run(room, worker)

        burial = await room.database.read(lambda s: plan_of_pipeline(s, CALLER, made.id))

        assert [table.name for table, _ in burial.rows] == ["pipeline"]
