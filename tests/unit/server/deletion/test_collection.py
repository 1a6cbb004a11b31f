"""What is collected, when, and what a kill in the middle leaves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pileus.core.fake_clock import FakeClock
from pileus.core.ids import Ids
from pileus.core.schemas.tenancy import Project
from pileus.metering.ledger import Ledger
from pileus.metering.prices import PriceBook
from pileus.metering.storage import StorageAccount, stored_in
from pileus.security.audit import AuditLog
from pileus.security.store import projects
from pileus.security.tombstones import Burial, Tombstones
from pileus.server.deletion import collection
from pileus.server.deletion.collection import Collector
from pileus.server.deletion.settings import DeletionSettings
from pileus.server.tables import TABLES
from pileus.serving.tables import SEGMENTS
from pileus.storage.blob import read_all
from pileus.storage.blobs.memory import MemoryBlobStore
from pileus.storage.databases.memory import MemoryDatabase
from pileus.storage.idempotency import Once
from tests.unit.metering.test_storage import OPERATOR

PROJECT = "prj_1"
HOUR = 3600


class BrokenBlobs(MemoryBlobStore):
    """Stands for a kill: the first sweep ends before anything was removed."""

    is_broken = True

    async def sweep(self, project, keep, before):
        if self.is_broken:
            self.is_broken = False
            raise ConnectionError
        return await super().sweep(project, keep, before)


class Keys:
    def __init__(self):
        self.shredded = []

    async def shred(self, project):
        self.shredded.append(project)


class World:
    """A collector over memory, and hands to put things in its way."""

    def __init__(self, blobs=None, keys=None, **settings):
        self.clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.is_held = False
        self.database = MemoryDatabase(TABLES, self.clock)
        new_id = Ids(self.clock).new
        self.blobs = blobs or MemoryBlobStore(self.clock)
        self.storage = StorageAccount(self.database, Ledger(self.database, new_id, "USD"), new_id)
        self.settings = DeletionSettings(**settings)
        self.buried = Tombstones(new_id, timedelta(hours=self.settings.grace_hours))
        self.collector = Collector(
            self.database,
            self.clock,
            self.blobs,
            self.storage,
            self.buried,
            keys or Keys(),
            self.settings,
            lambda: self.is_held,
        )

    async def start(self):
        await self.database.start()
        project = Project(id=PROJECT, project=PROJECT, created_at=self.clock.now(), name="default")
        await self.database.write(lambda transaction: projects.insert(transaction, project))
        new_id = Ids(self.clock).new
        book = PriceBook(self.database, new_id, AuditLog(new_id), self.storage.settle)
        await book.ensure_defaults()
        return self

    async def upload(self, data, project=PROJECT):
        digest = await self.blobs.put_bytes(project, data)
        await self.storage.record(project, digest, len(data))
        return digest

    async def name(self, digest, number=1, project=PROJECT):
        """Let a row name the blob."""
        row = {
            "project": project,
            "lane": 1,
            "number": number,
            "source": "s",
            "digest": digest,
            "size": 1,
            "created_at": self.clock.now(),
        }
        await self.database.write(lambda transaction: transaction.put(SEGMENTS, row))
        return row

    async def bury(self, row, *, now=False):
        burial = Burial("prediction_records", "x", "x", [(SEGMENTS, row)])
        return await self.database.write(
            lambda transaction: self.buried.bury(transaction, OPERATOR, burial, now=now)
        )

    async def recorded(self, project=PROJECT):
        found = await self.database.read(lambda snapshot: stored_in(snapshot, project))
        return {blob.digest for blob in found}


@pytest.fixture
async def world():
    return await World().start()


class TestBlobs:
    async def test_that_nothing_names_go_after_the_grace_of_uploads(self, world):
        digest = await world.upload(b"left over")
        world.clock.advance(23 * HOUR)
        early = await world.collector.collect()
        world.clock.advance(2 * HOUR)
        late = await world.collector.collect()

        assert (early.blobs, late.blobs, late.bytes, late.files) == (0, 1, 9, 1)
        assert await world.recorded() == set()
        assert await world.blobs.size(PROJECT, digest) is None

    async def test_that_were_announced_again_wait_anew(self, world):
        digest = await world.upload(b"large")
        world.clock.advance(23 * HOUR)
        assert await world.storage.missing(PROJECT, [digest]) == []
        world.clock.advance(23 * HOUR)

        assert (await world.collector.collect()).blobs == 0
        assert await read_all(world.blobs, PROJECT, digest) == b"large"

    async def test_that_a_row_names_stay(self, world):
        digest = await world.upload(b"named")
        await world.name(digest)
        world.clock.advance(1000 * HOUR)

        assert (await world.collector.collect()).blobs == 0

    async def test_that_a_deleted_row_names_stay_for_its_grace(self, world):
        digest = await world.upload(b"deleted")
        await world.bury(await world.name(digest))
        world.clock.advance(7 * 24 * HOUR - 1)
        within = await world.collector.collect()
        world.clock.advance(2)
        said = await world.collector.collect(is_dry_run=True)
        after = await world.collector.collect()

        assert (within.blobs, within.tombstones) == (0, 0)
        assert (said.blobs, said.tombstones) == (1, 1)
        assert (after.blobs, after.tombstones) == (1, 1)
        assert await world.blobs.size(PROJECT, digest) is None

    async def test_that_an_attempt_may_still_report_stay(self, world):
        from pileus.core.schemas.jobs import Attempt, AttemptStatus  # used once
        from pileus.jobs.store import attempts  # used once

        attempt = Attempt(
            id="att_1",
            project=PROJECT,
            created_at=world.clock.now(),
            job="job_1",
            number=1,
            node="nod_1",
            status=AttemptStatus.RUNNING,
        )
        await world.database.write(lambda transaction: attempts.insert(transaction, attempt))
        world.clock.advance(HOUR)
        await world.upload(b"artifact")
        world.clock.advance(100 * HOUR)

        assert (await world.collector.collect()).blobs == 0

    async def test_a_file_that_no_row_names_goes_unless_it_is_fresh(self, world):
        digest = await world.blobs.put_bytes(PROJECT, b"killed before it was recorded")
        fresh = await world.collector.collect()
        world.clock.advance(2 * HOUR)
        later = await world.collector.collect()

        assert (fresh.files, later.files) == (0, 1)
        assert await world.blobs.size(PROJECT, digest) is None

    async def test_nothing_goes_while_a_backup_copies(self, world):
        digest = await world.upload(b"left over")
        world.clock.advance(25 * HOUR)
        world.is_held = True
        during = await world.collector.collect()
        world.is_held = False
        after = await world.collector.collect()

        assert (during.blobs, after.blobs) == (0, 1)
        assert await world.blobs.size(PROJECT, digest) is None

    async def test_a_kill_between_row_and_file_leaves_a_file_that_the_next_round_removes(self):
        world = World(BrokenBlobs())
        world.blobs._clock = world.clock
        await world.start()
        digest = await world.upload(b"left over")
        world.clock.advance(25 * HOUR)

        with pytest.raises(ConnectionError):
            await world.collector.collect()
        assert await world.recorded() == set()
        assert await world.blobs.size(PROJECT, digest) == 9
        await world.collector.collect()

        assert await world.blobs.size(PROJECT, digest) is None

    async def test_one_written_again_after_its_row_went_stays(self):
        world = await World().start()
        digest = await world.upload(b"again")
        world.clock.advance(25 * HOUR)
        found = await world.database.write(
            lambda transaction: world.collector._forget(transaction, PROJECT, [digest])
        )
        assert [blob.digest for blob in found] == [digest]

        assert await world.storage.missing(PROJECT, [digest]) == [digest]
        await world.blobs.put(PROJECT, digest, _chunks(b"again"))
        await world.collector.collect()  # the rest of the round, and another one
        await world.storage.record(PROJECT, digest, 5)
        await world.collector.collect()

        assert await read_all(world.blobs, PROJECT, digest) == b"again"


class TestProject:
    async def shut(self, world, *, now):
        project = Project(id="prj_2", project="prj_2", created_at=world.clock.now(), name="other")
        await world.database.write(lambda transaction: projects.insert(transaction, project))
        digest = await world.upload(b"theirs", "prj_2")
        await world.name(digest, project="prj_2")
        record = await world.database.read(lambda s: s.get(projects.table, id="prj_2"))
        burial = Burial("project", "prj_2", "other", [(projects.table, record)])
        await world.database.write(
            lambda transaction: world.buried.bury(transaction, OPERATOR, burial, now=now)
        )
        return digest

    async def test_its_bytes_go_and_its_key_is_shredded(self):
        keys = Keys()
        world = await World(keys=keys).start()
        digest = await self.shut(world, now=True)

        await world.collector.collect()
        await world.collector.collect()

        assert keys.shredded == ["prj_2"]
        assert await world.blobs.size("prj_2", digest) is None
        assert await world.recorded("prj_2") == set()

    async def test_within_its_grace_everything_is_still_there(self):
        keys = Keys()
        world = await World(keys=keys).start()
        digest = await self.shut(world, now=False)
        world.clock.advance(100 * HOUR)

        await world.collector.collect()

        assert keys.shredded == []
        assert await read_all(world.blobs, "prj_2", digest) == b"theirs"

    async def test_a_kill_before_the_key_is_shredded_is_made_up_for(self):
        class Forgetful(Keys):
            async def shred(self, project):
                await super().shred(project)
                if len(self.shredded) == 1:
                    raise ConnectionError

        keys = Forgetful()
        world = await World(keys=keys).start()
        await self.shut(world, now=True)

        with pytest.raises(ConnectionError):
            await world.collector.collect()
        await world.collector.collect()

        assert keys.shredded == ["prj_2", "prj_2"]


class TestRun:
    async def test_a_server_that_is_never_up_for_an_hour_collects_all_the_same(
        self, world, monkeypatch
    ):
        digest = await world.upload(b"left over")
        world.clock.advance(25 * HOUR)
        monkeypatch.setattr(collection, "FIRST_SECONDS", 0.0)

        running = asyncio.create_task(world.collector.run(asyncio.Event()))
        try:
            async with asyncio.timeout(5):
                while digest in await world.recorded():  # noqa: ASYNC110  nothing is set
                    await asyncio.sleep(0.01)
        finally:
            running.cancel()


class TestTrim:
    async def test_records_keys_and_feed_do_not_grow_for_ever(self):
        world = await World(records_days=1, idempotency_days=2, feed_entries=1000).start()
        await world.name(await world.upload(b"record"))
        once = Once("key", "request")
        await world.database.write(lambda transaction: once.remember(transaction, PROJECT, "x"))
        project = await world.database.read(lambda s: projects.get(s, id=PROJECT))
        for _ in range(1100):
            project = await world.database.write(
                lambda transaction, project=project: projects.swap(transaction, project)
            )
        world.clock.advance(3 * 24 * HOUR)

        collected = await world.collector.collect()
        left = await world.database.read(lambda snapshot: len(snapshot.changes(0, limit=5000)))

        assert (collected.records, collected.keys) == (1, 1)
        assert collected.changes > 100
        assert 1000 <= left < 1010  # collection itself makes a few
        assert collected.blobs == 1


async def _chunks(data):
    yield data
