"""Streams on disk over a memory database."""

from __future__ import annotations

import pytest

from pileus.server.tables import TABLES
from pileus.storage.blobs.disk import DiskBlobStore
from pileus.storage.databases.memory import MemoryDatabase
from pileus.tracking.streams import StreamStore


@pytest.fixture
async def database():
    found = MemoryDatabase(TABLES)
    await found.start()
    yield found
    await found.close()


@pytest.fixture
async def streams(tmp_path, database):
    blobs = DiskBlobStore(tmp_path / "blobs")
    await blobs.start()
    return StreamStore(tmp_path / "streams", database, blobs)
