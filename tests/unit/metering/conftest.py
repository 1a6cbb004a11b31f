"""A ledger over a clock that is told what time it is."""

from __future__ import annotations

import pytest

from pileus.core.fake_clock import FakeClock
from pileus.core.ids import Ids
from pileus.core.schemas.tenancy import Project
from pileus.metering.ledger import Ledger
from pileus.metering.prices import PriceBook
from pileus.metering.storage import StorageAccount
from pileus.security.audit import AuditLog
from pileus.security.store import projects
from pileus.server.tables import TABLES
from pileus.storage.databases.memory import MemoryDatabase


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
async def database(clock):
    found = MemoryDatabase(TABLES, clock)
    await found.start()
    project = Project(id="prj_1", project="prj_1", created_at=clock.now(), name="default")
    await found.write(lambda transaction: projects.insert(transaction, project))
    yield found
    await found.close()


@pytest.fixture
def new_id(clock):
    return Ids(clock).new


@pytest.fixture
def ledger(database, new_id):
    return Ledger(database, new_id, "USD")


@pytest.fixture
def storage(database, ledger, new_id):
    return StorageAccount(database, ledger, new_id)


@pytest.fixture
async def prices(database, new_id, storage):
    book = PriceBook(database, new_id, AuditLog(new_id), storage.settle)
    await book.ensure_defaults()
    return book
