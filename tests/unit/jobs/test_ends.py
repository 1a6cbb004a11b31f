"""Ends of attempts: hostile, repeated, interrupted."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from pileus.core.schemas.jobs import Artifact, JobStatus
from pileus.jobs.ends import Reported
from pileus.storage.errors import StorageFull
from pileus.storage.transaction import Transaction
from pileus.tracking.tables import STREAMS
from tests.unit.jobs.building import PROJECT, ended


async def blob(room, data):
    return await room.blobs.put_bytes(PROJECT, data), len(data)


@pytest.fixture
async def report(room, worker):
    await room.submit()
    await room.engine.schedule()
    return await worker.start()


async def the_job(room):
    return (await room.all())[0][0]


async def held_seconds(room):
    [attempt] = (await room.all())[1]
    return (attempt.ended_at - attempt.created_at).total_seconds()


class TestRecord:
    @pytest.mark.parametrize("code, has_run", [(0, True), (None, False)])
    async def test_what_ended_before_its_node_told_that_it_runs_has_a_start(
        self, room, worker, code, has_run
    ):
        await room.submit()
        await room.engine.schedule()
        [order] = (await worker.sync()).attempts
        room.clock.advance(1)
        began = room.clock.now()
        room.clock.advance(1)

        await worker.sync(ended(order, code=code, started_at=began.isoformat()))

        [attempt] = (await room.all())[1]
        assert attempt.started_at == (began if has_run else None)

    @pytest.mark.parametrize(
        "result",
        [
            {"status": "succeeded", "summary": ["not", "an", "object"]},
            {"status": "failed", "error": {"message": "a\0b\ud800", "hint": 5}},
            {"status": "failed", "error": "text"},
            {"summary": {"loss": float("nan"), "nested": [{"x\0": float("inf")}]}},
            {"summary": {"text": "x" * 1_000_000}},
        ],
    )
    async def test_whatever_an_attempt_wrote_its_end_is_recorded(
        self, room, worker, report, result
    ):
        orders = await worker.sync(ended(report, code=1, result=result))

        job = await the_job(room)
        assert orders.forget == (report.id,)
        assert job.status is JobStatus.FAILED
        json.dumps(job.model_dump(mode="json"), allow_nan=False).encode()

    async def test_a_kill_after_the_transaction_leaves_nothing_behind(
        self, room, worker, report, monkeypatch
    ):
        await room.streams.append(report.id, "stdout", 0, b"hello")

        async def killed(attempt):
            raise KeyboardInterrupt(attempt)

        with monkeypatch.context() as patch:
            patch.setattr(room.streams, "drop", killed)
            with pytest.raises(KeyboardInterrupt):
                await room.ends.record(report.id, Reported({"code": 0}, None, ()))
        orders = await worker.sync(ended(report))

        chunk = await room.streams.read(PROJECT, report.id, "stdout", 0)
        assert orders.forget == (report.id,)
        assert (chunk.data, chunk.is_final) == (b"hello", True)
        assert not (room.streams._root / report.id).exists()

    async def test_a_kill_before_the_transaction_repeats_everything(
        self, room, worker, report, monkeypatch
    ):
        await room.streams.append(report.id, "stdout", 0, b"hello")

        async def killed(work):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(room.database, "jot", killed)
            with pytest.raises(KeyboardInterrupt):
                await room.ends.record(report.id, Reported({"code": 0}, None, ()))
        await worker.sync(ended(report))

        assert (await the_job(room)).status is JobStatus.SUCCEEDED
        assert (await room.streams.read(PROJECT, report.id, "stdout", 0)).data == b"hello"

    async def test_one_that_others_wait_for_is_no_short_work(
        self, room, worker, report, monkeypatch
    ):
        first = await the_job(room)
        second = await room.submit(needs=[first.id])

        async def jotted(work):
            raise AssertionError("it may be about any number of jobs")

        with monkeypatch.context() as patch:
            patch.setattr(room.database, "jot", jotted)
            await room.ends.record(report.id, Reported({"code": 0}, None, ()))

        assert (await room.job(second)).status is JobStatus.QUEUED

    async def test_one_that_another_server_records_meanwhile_is_recorded_once(
        self, room, report, monkeypatch
    ):
        await room.streams.append(report.id, "stdout", 0, b"hello")
        end = Reported({"code": 0}, None, ())
        put = room.blobs.put_hashed

        async def later(*arguments):
            monkeypatch.undo()
            await room.ends.record(report.id, end)  # and drops what is read next
            return await put(*arguments)

        monkeypatch.setattr(room.blobs, "put_hashed", later)
        await room.ends.record(report.id, end)

        assert (await the_job(room)).status is JobStatus.SUCCEEDED
        assert (await room.streams.read(PROJECT, report.id, "stdout", 0)).data == b"hello"

    async def test_what_cannot_be_sealed_is_told(self, room, report, monkeypatch):
        await room.streams.append(report.id, "stdout", 0, b"hello")

        async def full(*arguments):
            raise StorageFull("No room on the disk for the blob")

        monkeypatch.setattr(room.blobs, "put_hashed", full)
        with pytest.raises(StorageFull):
            await room.ends.record(report.id, Reported({"code": 0}, None, ()))

        assert (await the_job(room)).status is JobStatus.RUNNING

    async def test_sealed_streams_are_stored_bytes_that_are_paid_for(self, room, worker, report):
        await room.streams.append(report.id, "stdout", 0, b"x" * 1000)

        await worker.sync(ended(report))

        records = await room.database.read(lambda s: s.find(STREAMS))
        digests = [record["digest"] for record in records]
        assert await room.storage.sizes(PROJECT, digests) == {digests[0]: 1000}

    async def test_a_clock_that_went_back_charges_nothing_twice(self, room, worker, report):
        room.clock.advance(20)
        await worker.sync(report)
        await room.engine.meter()
        room.clock.advance(-100)

        await worker.sync(ended(report))

        cpu = sum(e.quantity for e in await room.entries() if e.resource == "cpu")
        assert cpu == 20_000
        assert await held_seconds(room) == 20

    async def test_an_end_that_is_heard_late_is_not_paid_beyond(self, room, worker, report):
        end = room.clock.now() + timedelta(seconds=3)
        room.clock.advance(4)
        await room.engine.meter()

        await worker.sync(ended(report, ended_at=end.isoformat()))

        cpu = sum(e.quantity for e in await room.entries() if e.resource == "cpu")
        assert cpu == 3_000
        assert await held_seconds(room) == 3

    async def test_an_end_before_what_is_paid_ends_with_what_is_paid(self, room, worker, report):
        end = room.clock.now() + timedelta(seconds=20)
        room.clock.advance(21)
        await worker.sync(report)
        await room.engine.meter()

        await worker.sync(ended(report, ended_at=end.isoformat()))

        cpu = sum(e.quantity for e in await room.entries() if e.resource == "cpu")
        assert cpu == 21_000
        assert await held_seconds(room) == 21


class TestFinish:
    async def test_what_a_kill_left_of_an_attempt_that_has_ended_goes(
        self, room, report, monkeypatch
    ):
        await room.streams.append(report.id, "stdout", 0, b"hello")

        async def killed(attempt):
            raise KeyboardInterrupt(attempt)

        with monkeypatch.context() as patch:
            patch.setattr(room.streams, "drop", killed)
            with pytest.raises(KeyboardInterrupt):
                await room.ends.record(report.id, Reported({"code": 0}, None, ()))
        assert await room.streams.live() == [report.id]

        await room.ends.finish()

        assert await room.streams.live() == []
        assert (await room.streams.read(PROJECT, report.id, "stdout", 0)).data == b"hello"

    async def test_what_an_attempt_writes_that_runs_stays(self, room, report):
        await room.streams.append(report.id, "stdout", 0, b"hello")

        await room.ends.finish()

        assert await room.streams.live() == [report.id]


class TestLost:
    async def test_one_that_was_renewed_meanwhile_is_not_lost(self, room, worker, report):
        _, _, [lease], _ = await room.all()
        room.clock.advance(20)
        await worker.sync(report)

        await room.ends.lost(lease, "node_lost")

        assert (await the_job(room)).status is JobStatus.RUNNING

    async def test_a_renewed_attempt_that_was_given_up_keeps_its_live_log(self, room, worker):
        await room.submit()
        await room.engine.schedule()
        report = await worker.start()
        await room.streams.append(report.id, "stdout", 0, b"still here\n")
        _, _, (before,), _ = await room.all()

        room.clock.advance(29)
        await worker.sync(report)
        await room.ends.lost(before, "node_lost")

        _, (attempt,), (lease,), _ = await room.all()
        chunk = await room.streams.read(attempt.project, report.id, "stdout", 0)
        assert (attempt.status, lease.released_at) == ("running", None)
        assert (chunk.data, chunk.is_final) == (b"still here\n", False)


class TestRegistration:
    async def test_a_success_that_may_not_be_registered_says_why(self, room, worker):
        from pileus.registry.tables import DATASET_VERSIONS, DATASETS  # used once

        def dataset(transaction: Transaction) -> None:
            row = {"project": PROJECT, "rev": 1, "created_at": transaction.now}
            transaction.insert(
                DATASETS, row | {"id": "dst_1", "name": "d", "versions": 1, "newest": "dsv_1"}
            )
            transaction.insert(
                DATASET_VERSIONS,
                row
                | {"id": "dsv_1", "dataset": "d", "number": 1, "manifest": "m", "info": {}}
                | {"manifest_bytes": 1, "kind": "images", "task": "classification"}
                | {"rows_train": 1, "rows_untouched": 0, "size_bytes": 1, "source": "s"}
                | {"created_by": "prn_1", "packs": []},
            )

        await room.database.write(dataset)
        await room.submit(kind="train", command=None, recipe="cnn", dataset="d", register="digits")
        await room.engine.schedule()
        report = await worker.start()
        digest, size = await blob(room, b"{not json")
        artifacts = (Artifact(path="bundle/bundle.json", digest=digest, size=size),)

        await worker.sync(ended(report, result={"status": "succeeded"}, artifacts=artifacts))

        job = await the_job(room)
        assert job.status is JobStatus.SUCCEEDED
        assert job.reason.startswith("Not registered: Artifact 'bundle/bundle.json' is not JSON")
