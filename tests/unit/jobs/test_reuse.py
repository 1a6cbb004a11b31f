"""Results that are known already."""

from __future__ import annotations

import pytest

from pileus.core.schemas.jobs import JobStatus
from pileus.server.deletion.errors import StillUsed
from pileus.server.deletion.plans import job as plan_of_job
from tests.unit.jobs.building import CALLER, PROJECT, put_secret
from tests.unit.jobs.test_needs import left, run


@pytest.fixture
async def done(room, worker):
    job = await room.submit(env={"A": "1"})
    await run(room, worker, artifacts=(await left(room, "out.txt"),))
    return await room.job(job)


class TestReusing:
    async def test_an_equal_job_succeeds_at_once_without_an_attempt(self, room, done):
        again = await room.submit(env={"A": "1"}, reuse=True)

        assert (again.status, again.reused) == (JobStatus.SUCCEEDED, done.id)
        assert await room.jobs.attempts(PROJECT, again.id) == []
        assert (await room.jobs.artifacts(PROJECT, again.id)) == (
            await room.jobs.artifacts(PROJECT, done.id)
        )
        assert done.id in again.reason

    async def test_nobody_who_did_not_ask_for_it_gets_it(self, room, done):
        assert (await room.submit(env={"A": "1"})).status is JobStatus.QUEUED

    async def test_resources_and_tries_change_no_result(self, room, done):
        again = await room.submit(
            env={"A": "1"}, reuse=True, resources={"cpu": 2}, max_attempts=1, timeout_seconds=9
        )

        assert again.reused == done.id

    @pytest.mark.parametrize(
        "other",
        [
            {"env": {"A": "2"}},
            {"env": {"A": "1"}, "command": ["false"]},
            {"env": {"A": "1"}, "sandbox": True},
        ],
    )
    async def test_what_a_result_follows_from_does(self, room, done, other):
        assert (await room.submit(reuse=True, **other)).status is JobStatus.QUEUED

    async def test_the_content_of_inputs_counts_and_not_which_job_left_it(self, room, worker):
        async def made(data):
            job = await room.submit(env={"N": data.decode()})
            await run(room, worker, artifacts=(await left(room, "f", data[:1]),))
            return [{"name": "f", "job": job.id}]

        first = await room.submit(inputs=await made(b"x1"))
        await run(room, worker)

        equal = await room.submit(inputs=await made(b"x2"), reuse=True)
        assert equal.reused == first.id
        assert (await room.submit(inputs=await made(b"y"), reuse=True)).reused is None

    async def test_it_refers_to_the_job_that_ran(self, room, done):
        await room.submit(env={"A": "1"}, reuse=True)

        assert (await room.submit(env={"A": "1"}, reuse=True)).reused == done.id

    async def test_the_version_of_a_secret_counts(self, room, worker):
        await put_secret(room)
        done = await room.submit(secrets=["PW"])
        await run(room, worker)

        equal = await room.submit(secrets=["PW"], reuse=True)
        elsewhere = await room.submit(secrets=[{"name": "PW", "file": "pw"}], reuse=True)
        await put_secret(room, version=2)
        later = await room.submit(secrets=["PW"], reuse=True)

        assert equal.reused == done.id
        assert (elsewhere.reused, later.reused) == (None, None)

    async def test_another_projects_result_is_not_known(self, room, done):
        other = CALLER.model_copy(update={"project": "prj_2"})
        spec = done.spec.model_copy(update={"reuse": True})

        assert (await room.jobs.submit(other, spec, None)).reused is None

    async def test_a_failed_one_has_no_result(self, room, worker):
        await room.submit()
        await run(room, worker, code=1)

        assert (await room.submit(reuse=True)).reused is None

    async def test_a_result_that_is_referred_to_is_not_deleted(self, room, done):
        again = await room.submit(env={"A": "1"}, reuse=True)

        with pytest.raises(StillUsed, match=again.id):
            await room.database.read(lambda s: plan_of_job(s, CALLER, done.id))
        burial = await room.database.read(lambda s: plan_of_job(s, CALLER, again.id))
        assert burial.container == done.id

    async def test_what_waits_for_one_that_reuses_goes_on(self, room, worker, done):
        slow = await room.submit(command=["slow"])
        known = await room.submit(env={"A": "1"}, reuse=True, needs=[slow.id])
        behind = await room.submit(inputs=[{"name": "f", "job": known.id}])

        await run(room, worker)

        assert (await room.job(known)).reused == done.id
        behind = await room.job(behind)
        assert behind.status is JobStatus.QUEUED
        assert [file.path for file in behind.inputs[0].files] == ["out.txt"]
