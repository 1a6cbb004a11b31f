"""What the end of a transform makes: the whole version, or none."""

from __future__ import annotations

import asyncio

import pytest

from pileus.core.schemas.jobs import Artifact, JobStatus
from pileus.core.schemas.registry import DatasetVersion
from pileus.jobs.ends import Reported
from pileus.registry.datasets import DatasetService
from pileus.registry.profiles import ProfileService
from pileus.registry.store import dataset_versions
from pileus.security.audit import AuditLog
from pileus.server.drafts import Drafts
from tests.unit.data.build import csv_file, ingested, table_text
from tests.unit.data.clean.building import Cleaned, table
from tests.unit.jobs.building import CALLER, PROJECT, Worker, ended, opened

STEPS = [{"step": "normalise"}]


async def stored(room, path):
    data = path.read_bytes()
    digest = await room.blobs.put_bytes(PROJECT, data)
    await room.storage.record(PROJECT, digest, len(data))
    return Artifact(path="", digest=digest, size=len(data))


async def uploaded(room, out):
    """What a worker uploads of `out`."""
    found = []
    for path in sorted(out.rglob("*")):
        if path.is_file():
            artifact = await stored(room, path)
            name = path.relative_to(out).as_posix()
            found.append(artifact.model_copy(update={"path": name}))
    return tuple(found)


@pytest.fixture
async def room(tmp_path):
    async with opened(tmp_path / "room") as found:
        yield found


@pytest.fixture
async def source(room, tmp_path):
    """Version `d@1` in the room, and the same on disk."""
    (tmp_path / "s").mkdir()
    prepared = ingested(
        csv_file(tmp_path / "s" / "source.csv", table_text()), tmp_path / "i", label="label"
    )
    for blob in prepared.blobs:
        await stored(room, blob.path)
    drafts = Drafts(room.blobs, room.storage)
    draft, profile = await drafts.version(
        PROJECT, prepared.manifest_digest, prepared.profile.digest
    )
    audit = AuditLog(room.ids.new)
    profiles = ProfileService(room.database, room.ids.new, audit, room.storage)
    service = DatasetService(room.database, room.ids.new, audit, profiles, room.storage)
    await service.commit(CALLER, "d", draft, profile)
    return table(tmp_path / "local", table_text())


async def versions(room) -> list[DatasetVersion]:
    return await room.database.read(lambda s: dataset_versions.find(s, order=["number"]))


async def started(room, **spec):
    """A transform of `d`, running on a node."""
    body = {"kind": "transform", "command": None, "dataset": "d", "transform": {"steps": STEPS}}
    job = await room.submit(**(body | spec))
    worker = await Worker(room).register()
    await room.engine.schedule()
    return job, worker, await worker.start()


SUCCEEDED = {"status": "succeeded", "summary": {}}


class TestVersionOutcome:
    async def test_the_version_is_made_with_the_end_of_its_job(self, room, source, tmp_path):
        job, worker, report = await started(room)
        made = Cleaned(tmp_path / "made", source, STEPS)
        artifacts = await uploaded(room, made.out)

        for _ in range(2):  # a node reports again when the answer was lost
            await worker.sync(ended(report, result=SUCCEEDED, artifacts=artifacts))

        first, second = await versions(room)
        assert (await room.job(job)).status is JobStatus.SUCCEEDED
        assert (first.job, second.job) == (None, job.id)
        assert (second.dataset, second.id) == ("d", made.manifest.id)
        assert second.info["transform"]["source"] == first.id
        assert second.info["transform"]["steps"][0]["fitted"]["columns"].keys() == {"age", "weight"}

    async def test_it_may_go_into_another_dataset(self, room, source, tmp_path):
        _, worker, report = await started(room, into="e")
        artifacts = await uploaded(room, Cleaned(tmp_path / "made", source, STEPS).out)

        await worker.sync(ended(report, result=SUCCEEDED, artifacts=artifacts))

        assert sorted(one.dataset for one in await versions(room)) == ["d", "e"]

    @pytest.mark.parametrize("missing", ["version/manifest.json", "version/packs"])
    async def test_without_all_of_its_files_the_job_fails_and_nothing_is_made(
        self, room, source, tmp_path, missing
    ):
        job, worker, report = await started(room)
        out = Cleaned(tmp_path / "made", source, STEPS).out
        for path in out.rglob("*"):
            if path.is_file() and path.relative_to(out).as_posix().startswith(missing):
                path.unlink()

        await worker.sync(ended(report, result=SUCCEEDED, artifacts=await uploaded(room, out)))

        ended_job = await room.job(job)
        assert ended_job.status is JobStatus.FAILED
        assert ended_job.reason.startswith("No version was made: ")
        assert len(await versions(room)) == 1

    async def test_a_failure_and_a_dry_run_make_none(self, room, source, tmp_path):
        out = Cleaned(tmp_path / "made", source, STEPS).out
        for spec, result in (({}, {"status": "failed"}), ({"dry_run": True}, SUCCEEDED)):
            _, worker, report = await started(room, **spec)
            artifacts = await uploaded(room, out)
            await worker.sync(ended(report, result=result, artifacts=artifacts))

        assert len(await versions(room)) == 1

    async def test_a_kill_before_the_transaction_leaves_none_and_the_next_report_makes_it(
        self, room, source, tmp_path, monkeypatch
    ):
        job, worker, report = await started(room)
        artifacts = await uploaded(room, Cleaned(tmp_path / "made", source, STEPS).out)
        last = ended(report, result=SUCCEEDED, artifacts=artifacts)

        async def killed(work):
            await asyncio.sleep(0)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(room.database, "write", killed)
            with pytest.raises(KeyboardInterrupt):
                await room.ends.record(last.id, Reported(last.exit or {}, last.result, artifacts))
        assert len(await versions(room)) == 1
        await worker.sync(last)

        assert (await room.job(job)).status is JobStatus.SUCCEEDED
        assert len(await versions(room)) == 2
