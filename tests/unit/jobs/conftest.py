"""The job engine, over memory and, where SQL matters, over SQLite."""

from __future__ import annotations

import asyncio

import pytest

from pileus.core.fake_clock import FakeClock
from pileus.server.tables import TABLES
from pileus.storage.databases.sqlite import SqliteDatabase
from pileus.storage.migrate import migrate
from tests.unit.jobs.building import Worker, opened


@pytest.fixture(params=["memory", "sqlite"])
async def room(request, tmp_path):
    clock = FakeClock()
    database = None
    if request.param == "sqlite":
        path = tmp_path / "pileus.db"
        await asyncio.to_thread(migrate, f"sqlite:///{path}", TABLES, tmp_path / "backups")
        database = SqliteDatabase(path, TABLES, clock)
    async with opened(tmp_path, clock, database) as found:
        yield found


@pytest.fixture
async def worker(room):
    return await Worker(room).register()
