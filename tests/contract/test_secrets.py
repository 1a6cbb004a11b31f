"""Secrets over every database: the value comes back, whatever its bytes, and its row tells nothing."""

from __future__ import annotations

import asyncio
import base64

import pytest

from pileus.core.clock import SystemClock
from pileus.core.ids import Ids
from pileus.security.audit import AuditLog
from pileus.security.errors import SecretNotFound
from pileus.security.keyring import open_keyring
from pileus.security.master_key import FileMasterKey
from pileus.security.secrets import SecretService
from pileus.security.store import secrets
from pileus.server.tables import TABLES
from pileus.storage.database import Database
from pileus.storage.databases.memory import MemoryDatabase
from pileus.storage.databases.postgres import PostgresDatabase
from pileus.storage.databases.sqlite import SqliteDatabase
from pileus.storage.migrate import migrate
from tests.contract.conftest import fresh_postgres
from tests.unit.security.test_keys import PROJECT, caller

VALUES = (b"hunter2", b"\x00\xff" * 100, bytes(range(256)) * 256)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def database(request, tmp_path):
    found: Database
    if request.param == "memory":
        found = MemoryDatabase(TABLES)
    elif request.param == "sqlite":
        path = tmp_path / "pileus.db"
        await asyncio.to_thread(migrate, f"sqlite:///{path}", TABLES, tmp_path / "backups")
        found = SqliteDatabase(path, TABLES)
    else:
        url = fresh_postgres(request.getfixturevalue("postgres_url"))
        await asyncio.to_thread(migrate, url, TABLES, tmp_path / "backups")
        found = PostgresDatabase(url, TABLES)
    await found.start()
    yield found
    await found.close()


@pytest.fixture
async def service(database, tmp_path):
    new_id = Ids(SystemClock()).new
    source = FileMasterKey(tmp_path / "keys" / "master.key")
    keyring = await open_keyring(database, new_id, source, makes=True)
    return SecretService(database, new_id, keyring, AuditLog(new_id), encrypts=True)


@pytest.mark.parametrize("value", VALUES, ids=["text", "bytes", "largest"])
async def test_it_is_given_as_it_was_set(service, database, value):
    await service.set(caller(), "PW", b"another")
    made = await service.set(caller(), "PW", value)

    (given,) = await service.give(caller(), ["PW"])

    assert base64.b64decode(given.base64) == value
    assert await service.secrets(PROJECT) == [made]
    (row,) = await database.read(secrets.find)
    assert value not in base64.b64decode(row.sealed)


async def test_two_that_set_it_at_once_make_two_versions(service):
    made = await asyncio.gather(*(service.set(caller(), "PW", b"value") for _ in range(2)))

    assert sorted(one.version for one in made) == [1, 2]


async def test_a_removed_one_is_gone(service):
    await service.set(caller(), "PW", b"value")
    await service.remove(caller(), "PW")

    assert await service.secrets(PROJECT) == []
    with pytest.raises(SecretNotFound):
        await service.give(caller(), ["PW"])
