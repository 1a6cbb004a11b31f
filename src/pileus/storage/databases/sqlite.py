"""SQLite in one file: WAL, one writer with group commit, `synchronous=FULL`.

A commit is power-safe. Only the server process writes; other processes may look, none is needed.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from pileus.core.clock import Clock, SystemClock
from pileus.storage.databases.sql_database import SqlDatabase
from pileus.storage.mounts import check_local
from pileus.storage.table import Table
from pileus.storage.transaction import Snapshot

T = TypeVar("T")

READERS = 4

_BUSY_SECONDS = 10.0
"""How long to wait for another process that holds the file: a backup, somebody's shell."""


class SqliteDatabase(SqlDatabase):
    """The database of one machine. Raises NetworkFileSystem at start for a path on a network."""

    def __init__(self, path: Path, tables: Iterable[Table], clock: Clock | None = None) -> None:
        # Who writes is on this machine, so this machine's clock is the database's.
        clock = clock or SystemClock()
        self._path = path
        self._of_thread = threading.local()
        self._kept: list[sa.Connection] = []
        super().__init__(
            tables,
            _engine(path, "BEGIN IMMEDIATE", connections=1),
            _engine(path, "BEGIN", connections=READERS),
            now=lambda _: clock.now(),
            readers=READERS,
            name=f"database {str(path)!r}",
            hurrying=_hurrying,
        )

    async def close(self) -> None:
        await super().close()
        for connection in self._kept:
            connection.close()
        self._kept.clear()

    def _open(self) -> None:
        check_local(self._path)
        super()._open()

    async def glance(self, work: Callable[[Snapshot], T]) -> T:
        # Its readers wait for nobody who writes. A thread would wait for the interpreter's lock, with
        # each statement once.
        self._check_open()
        return self._read(work)

    @contextmanager
    def _snapshot(self) -> Iterator[sa.Connection]:
        # To take one from the pool, and to begin and end a transaction through SQLAlchemy, takes as long
        # as three reads: each thread that reads keeps its own.
        connection: sa.Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self._reading.connect()
            connection.detach()
            self._kept.append(connection)
        driver = connection.connection
        try:
            driver.cursor().execute("BEGIN")
            yield connection
        finally:
            driver.rollback()


def sqlite_engine(path: Path) -> sa.Engine:
    """An engine whose transactions write, for migrations."""
    return _engine(path, "BEGIN IMMEDIATE", connections=1)


def sqlite_snapshots(path: Path) -> sa.Engine:
    """An engine whose transactions only read, beside a server that writes."""
    return _engine(path, "BEGIN", connections=1)


def _engine(path: Path, begin: str, connections: int) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=sa.QueuePool,
        pool_size=connections,
        max_overflow=0,
        # The driver begins nothing by itself: its transactions start too late for savepoints and
        # never as IMMEDIATE.
        connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None},
    )
    sa.event.listen(engine, "connect", _configure)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


@contextmanager
def _hurrying(connection: sa.Connection) -> Iterator[None]:
    """What shreds a key, and somebody's shell, may hold the file for seconds."""
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA busy_timeout=0")
    try:
        yield
    finally:
        cursor.execute(f"PRAGMA busy_timeout={round(_BUSY_SECONDS * 1000)}")


def _configure(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    # What a row no longer says, such as a shredded key, is overwritten with zeros.
    connection.execute("PRAGMA secure_delete=ON")
