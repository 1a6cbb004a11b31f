"""Plays a history over each store."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from pileus.server.tables import TABLES
from pileus.storage.database import Database
from pileus.storage.databases.memory import MemoryDatabase
from pileus.storage.databases.postgres import PostgresDatabase
from pileus.storage.databases.sqlite import SqliteDatabase
from pileus.storage.migrate import migrate
from tests.unit.jobs.simulation import quiet
from tests.unit.jobs.simulation.clocks import WorldClock
from tests.unit.jobs.simulation.steps import Step, text_of
from tests.unit.jobs.simulation.world import World


def over_memory(history: Sequence[Step]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        database = MemoryDatabase(TABLES, WorldClock())
        _play(history, Path(directory), (database, database))


def over_sqlite(history: Sequence[Step]) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        path = directory / "pileus.db"
        migrate(f"sqlite:///{path}", TABLES, directory / "backups")
        database = SqliteDatabase(path, TABLES)
        _play(history, directory, (database, database))


def over_postgres(history: Sequence[Step], url: str) -> None:
    """At `url` is an empty database."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        migrate(url, TABLES, directory / "backups")
        two = (PostgresDatabase(url, TABLES), PostgresDatabase(url, TABLES))
        _play(history, directory, two)


def _play(history: Sequence[Step], directory: Path, databases: tuple[Database, Database]) -> None:
    async def work() -> None:
        for database in dict.fromkeys(databases):
            await database.start()
        try:
            await World(directory, WorldClock(), databases).live(history)
        except BaseException as error:
            error.add_note(f"python -m tests.unit.jobs.simulation '{text_of(history)}'")
            raise
        finally:
            for database in dict.fromkeys(databases):
                await database.close()

    quiet.play(work)
