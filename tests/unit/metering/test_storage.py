"""Stored bytes over time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pileus.core.fake_clock import FakeClock
from pileus.core.ids import Ids
from pileus.core.schemas.tenancy import Caller, Role
from pileus.metering.ledger import Ledger
from pileus.metering.prices import PriceBook
from pileus.metering.storage import MIB, StorageAccount
from pileus.metering.store import ledger as entries
from pileus.security.audit import AuditLog
from pileus.server.tables import TABLES
from pileus.storage.databases.memory import MemoryDatabase

OPERATOR = Caller(
    project="prj_1",
    project_name="default",
    principal="prn_1",
    principal_name="owner",
    role=Role.ADMIN,
    token="tok_1",
    is_operator=True,
)


async def quantity(database):
    return sum(entry.quantity for entry in await database.read(entries.find))


class TestRecord:
    async def test_a_blob_is_counted_once(self, storage, database, prices, clock):
        for _ in range(3):
            await storage.record("prj_1", "a" * 64, MIB)
        clock.advance(10)
        await storage.advance_all()

        assert await quantity(database) == 10
        assert await storage.missing("prj_1", ["a" * 64, "b" * 64]) == ["b" * 64]

    async def test_another_project_has_nothing_of_it(self, storage, prices):
        await storage.record("prj_1", "a" * 64, MIB)

        assert await storage.missing("prj_2", ["a" * 64]) == ["a" * 64]


class TestAdvance:
    @given(
        st.lists(
            st.tuples(st.integers(0, 5_000_000), st.integers(-3, 100), st.booleans()), max_size=8
        )
    )
    def test_the_ledger_is_bytes_times_time(self, steps):
        import asyncio  # hypothesis calls plain functions

        async def run():
            clock = FakeClock()
            database = MemoryDatabase(TABLES, clock)
            await database.start()
            new_id = Ids(clock).new
            storage = StorageAccount(database, Ledger(database, new_id, "USD"), new_id)
            await PriceBook(database, new_id, AuditLog(new_id), storage.settle).ensure_defaults()
            stored, used, latest = 0, 0, 0.0
            for number, (size, seconds, is_sliced) in enumerate(steps):
                await storage.record("prj_1", f"{number:064}", size)
                stored += size
                clock.advance(seconds)
                # Time that runs again after a clock went back is not paid twice.
                fresh = max(0.0, clock.monotonic() - latest)
                latest += fresh
                used += stored * round(fresh * 1000)
                if is_sliced:
                    await storage.advance_all()
            await storage.advance_all()
            return await quantity(database), used // (MIB * 1000)

        posted, expected = asyncio.run(run())

        assert posted == expected

    async def test_what_was_stored_before_a_new_price_keeps_the_old_one(
        self, storage, database, prices, clock
    ):
        await storage.record("prj_1", "a" * 64, MIB)
        clock.advance(3600)

        await prices.change(OPERATOR, "storage", 1_000, 0)
        clock.advance(1)
        await storage.advance_all()

        old, new = await database.read(lambda s: entries.find(s, order=["ended_at"]))
        assert (old.quantity, new.quantity) == (3600, 1)
        assert (old.amount_micro, new.amount_micro) == (0, 1_000)
