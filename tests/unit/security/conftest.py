"""An installation's keys over a memory database."""

from __future__ import annotations

import pytest

from pileus.security.tables import TABLES
from pileus.storage.databases.memory import MemoryDatabase
from tests.unit.security.test_keys import started


@pytest.fixture
async def database():
    found = MemoryDatabase(TABLES)
    await found.start()
    yield found
    await found.close()


@pytest.fixture
async def here(database, tmp_path):
    return await started(database, tmp_path)
