"""Keys, projects and tokens of an installation over a memory database."""

from __future__ import annotations

import random

import pytest

from pileus.core.ids import Ids
from pileus.security.audit import AuditLog
from pileus.security.service import AccessService
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


@pytest.fixture
def access(database, clock):
    """Projects and tokens; `clock` and `database` are the test's own."""
    new_id = Ids(clock, random.Random(1)).new
    return AccessService(database, clock, new_id, b"k" * 32, AuditLog(new_id))


@pytest.fixture
async def owner(access):
    """The first principal, an operator."""
    return await access.authenticate(await access.bootstrap())
