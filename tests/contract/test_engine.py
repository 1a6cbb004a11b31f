"""Leases, the pool's epoch and the ledger, over every database: what one suite must hold alike."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from pileus.core.fake_clock import FakeClock
from pileus.core.schemas.usage import Sample, UsageReport
from pileus.jobs.store import leases
from pileus.jobs.usage import UsageService
from pileus.server.tables import TABLES
from pileus.storage.database import Database
from pileus.storage.databases.memory import MemoryDatabase
from pileus.storage.databases.postgres import PostgresDatabase
from pileus.storage.databases.sqlite import SqliteDatabase
from pileus.storage.errors import Stale
from pileus.storage.migrate import migrate
from tests.contract.conftest import fresh_postgres
from tests.unit.jobs.building import PROJECT, Worker, ended, opened, running


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def rooms(request, tmp_path):
    """Two servers' worth of services over one state; two connections to it on Postgres."""
    clock = FakeClock(datetime.now(UTC))  # Postgres goes by its own
    databases: list[Database]
    if request.param == "postgres":
        url = fresh_postgres(request.getfixturevalue("postgres_url"))
        await asyncio.to_thread(migrate, url, TABLES, tmp_path / "backups")
        databases = [PostgresDatabase(url, TABLES), PostgresDatabase(url, TABLES)]
    elif request.param == "sqlite":
        path = tmp_path / "pileus.db"
        await asyncio.to_thread(migrate, f"sqlite:///{path}", TABLES, tmp_path / "backups")
        databases = [SqliteDatabase(path, TABLES, clock)]
    else:
        databases = [MemoryDatabase(TABLES, clock)]
    async with opened(tmp_path / "a", clock, databases[0]) as first:
        if len(databases) == 1:
            yield first, first
            return
        async with opened(tmp_path / "b", clock, databases[1]) as second:
            yield first, second


class TestGrants:
    async def test_two_servers_that_decide_at_once_grant_each_job_once(self, rooms):
        first, second = rooms
        await Worker(first, cpu_milli=4000).register()
        made = [await first.submit(command=["true", str(n)]) for n in range(6)]

        granted = 0
        for _ in range(3):
            granted += sum(await asyncio.gather(first.engine.schedule(), second.engine.schedule()))

        _, attempts, held, _ = await first.all()
        assert granted == len(attempts) == len(held) == 4
        assert len({attempt.job for attempt in attempts}) == 4
        assert len(made) == 6

    async def test_a_lease_changes_only_while_its_holder_has_seen_it(self, rooms):
        first, second = rooms
        await Worker(first).register()
        await first.submit()
        await first.engine.schedule()
        _, _, (lease,), _ = await first.all()

        await second.database.write(lambda t: leases.swap(t, lease))

        with pytest.raises(Stale):
            await first.database.write(lambda t: leases.swap(t, lease))
        with pytest.raises(Stale):
            await first.database.write(
                lambda t: leases.swap(
                    t, lease.model_copy(update={"rev": 2}), also=[("token", "=", "another")]
                )
            )


class TestEnds:
    async def test_an_end_that_is_told_to_both_servers_is_charged_once(self, rooms):
        first, second = rooms
        worker = await Worker(first).register()
        job = await first.submit()
        await first.engine.schedule()
        await worker.sync()
        (order,) = worker.orders.values()
        await worker.sync(running(order))

        twin = Worker(second, id=worker.id)
        await asyncio.gather(worker.sync(ended(order)), twin.sync(ended(order)))

        entries = await first.entries()
        assert (await second.job(job)).status == "succeeded"
        assert len({(e.source, e.sequence, e.resource) for e in entries}) == len(entries)
        _, (attempt,), (lease,), _ = await second.all()
        assert attempt.status == "succeeded"
        assert lease.released_at is not None


class TestUsage:
    async def test_what_a_node_told_one_server_is_seen_by_the_other(self, rooms):
        first, _ = rooms
        worker = await Worker(first).register()
        await first.submit()
        await first.engine.schedule()
        attempt = await worker.start()
        services = [UsageService(room.database, "USD", 30.0) for room in rooms]
        sample = Sample(
            attempt=attempt.id,
            age_ms=0,
            cpu_milli=900,
            cpu_ms=4000,
            memory_mib=80,
            memory_peak_mib=120,
            processes=2,
        )

        for memory_mib in (80, 90):
            update = sample.model_copy(update={"memory_mib": memory_mib})
            report = UsageReport(boot_id=worker.boot_id, samples=(update,))
            await services[0].report(worker.id, report)
        found = await services[1].top(PROJECT, most=10)

        [shown], [node] = found.items, found.nodes
        assert shown.used is not None
        assert (shown.used.memory_mib, shown.used.is_stale) == (90, False)
        assert (node.memory_mib.used, node.attempts) == (90, 1)
