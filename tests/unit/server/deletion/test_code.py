from datetime import timedelta

import pytest

from pileus.core.schemas.code import CodeSnapshot
from pileus.core.schemas.jobs import Job, JobSpec, JobStatus
from pileus.core.schemas.pipelines import PipelineSpec
from pileus.core.schemas.schedules import CatchUp, Schedule
from pileus.jobs.store import jobs, schedules
from pileus.jobs.tables import JOBS, SCHEDULES
from pileus.registry.code import code_snapshots
from pileus.security.tombstones import Burial
from pileus.server.deletion.code import forget_unused
from tests.unit.metering.test_storage import OPERATOR
from tests.unit.server.deletion.test_collection import PROJECT, World

DIGEST, PACK = "a" * 64, "b" * 64


@pytest.fixture
async def world():
    """With one snapshot, old enough to go."""
    world = await World().start()
    await add(world, "code_1", DIGEST)
    world.clock.advance(2 * 24 * 3600)
    return world


async def add(world, identifier, manifest, pack=PACK):
    now = world.clock.now()
    code = CodeSnapshot(
        id=identifier,
        project=PROJECT,
        created_at=now,
        manifest=manifest,
        manifest_bytes=1,
        pack=pack,
        pack_bytes=1,
        files=1,
        created_by="prn_1",
        used_at=now,
    )
    await world.database.write(lambda transaction: code_snapshots.insert(transaction, code))


async def submit(world, code_digest=DIGEST, project=PROJECT):
    job = Job(
        id="job_1",
        project=project,
        created_at=world.clock.now(),
        kind="command",
        name=None,
        status=JobStatus.SUCCEEDED,
        spec=JobSpec(kind="command", command=("true",)),
        inputs=(),
        params={},
        dataset_version=None,
        code_digest=code_digest,
        priority=0,
        submitted_by="prn_1",
    )
    await world.database.write(
        lambda transaction: transaction.insert(JOBS, jobs._record(job) | SIZES)
    )


SIZES = {"cpu_milli": 0, "memory_mib": 0, "gpu_milli": 0}


async def forget(world, hours=24):
    def work(transaction):
        return forget_unused(transaction, transaction.now - timedelta(hours=hours))

    return await world.database.write(work)


async def left(world):
    return [code.id for code in await world.database.read(code_snapshots.find)]


class TestForgetUnused:
    async def test_what_nothing_names_goes(self, world):
        assert await forget(world) == 1
        assert await left(world) == []

    async def test_what_was_used_lately_stays(self, world):
        assert await forget(world, hours=72) == 0

    async def test_what_a_job_names_stays_though_it_has_ended(self, world):
        await submit(world)

        assert await forget(world) == 0

    async def test_a_job_of_another_project_or_of_other_code_keeps_nothing(self, world):
        await submit(world, project="prj_2", code_digest=DIGEST)
        assert await forget(world) == 1

        await add(world, "code_2", "c" * 64)
        world.clock.advance(2 * 24 * 3600)
        assert await forget(world) == 1

    async def test_a_deleted_job_keeps_it_until_its_grace_is_over(self, world):
        await submit(world)
        row = await world.database.read(lambda snapshot: snapshot.get(JOBS, id="job_1"))
        burial = Burial("job", "job_1", "job_1", [(JOBS, row)])
        await world.database.write(
            lambda transaction: world.buried.bury(transaction, OPERATOR, burial, now=False)
        )
        kept = await forget(world)

        world.clock.advance(world.settings.grace_hours * 3600 + 1)
        await world.collector.collect()

        assert kept == 0
        assert await left(world) == []

    async def test_a_schedule_keeps_what_its_jobs_will_run(self, world):
        pipeline = {
            "name": "nightly",
            "jobs": {"a": {"kind": "command", "command": ["x"], "code": "code_1"}},
        }
        schedule = Schedule(
            id="sch_1",
            project=PROJECT,
            created_at=world.clock.now(),
            name="nightly",
            cron="@daily",
            time_zone="UTC",
            catch_up=CatchUp.LATEST,
            overlaps=False,
            pipeline=PipelineSpec.model_validate(pipeline),
            owner="prn_1",
            due_at=None,
        )
        await world.database.write(lambda transaction: schedules.insert(transaction, schedule))
        kept = await forget(world)
        row = await world.database.read(lambda snapshot: snapshot.get(SCHEDULES, id="sch_1"))
        burial = Burial("schedule", "sch_1", "nightly", [(SCHEDULES, row)])
        await world.database.write(
            lambda transaction: world.buried.bury(transaction, OPERATOR, burial, now=False)
        )

        assert (kept, await forget(world)) == (0, 0)
        world.clock.advance(world.settings.grace_hours * 3600 + 1)
        await world.collector.collect()
        assert await left(world) == []


class TestCollect:
    async def test_the_blobs_of_a_snapshot_go_with_it_and_not_before(self, world):
        pack = await world.upload(b"pack")
        manifest = await world.upload(b"manifest")
        await add(world, "code_2", manifest, pack)
        await submit(world, manifest)
        world.clock.advance(2 * 24 * 3600)

        await world.collector.collect()
        held = await world.recorded()
        await world.database.write(lambda t: t.delete(JOBS, [("id", "=", "job_1")]))
        await world.collector.collect()

        assert held == {manifest, pack}
        assert await world.recorded() == set()
