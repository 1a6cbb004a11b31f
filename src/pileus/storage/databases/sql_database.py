"""What SQLite and Postgres have in common: a group writer, threads that read, and wakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa

from pileus.storage.databases.sql_failures import meaning
from pileus.storage.databases.sql_insert import insert_into
from pileus.storage.databases.sql_schema import Schema
from pileus.storage.databases.sql_statements import Statements
from pileus.storage.databases.sql_transaction import Now, SqlSnapshot
from pileus.storage.databases.sql_writer import GroupWriter, Hurrying
from pileus.storage.databases.wakes import Wakes
from pileus.storage.errors import DatabaseUnavailable
from pileus.storage.table import Table
from pileus.storage.tables import CHANGES, FEED, FEED_ROW
from pileus.storage.transaction import Change, Snapshot, Transaction
from pileus.storage.writes import Writes

T = TypeVar("T")


class SqlDatabase:
    """A database behind two engines: one whose transactions write, one whose are snapshots."""

    def __init__(
        self,
        tables: Iterable[Table],
        writing: sa.Engine,
        reading: sa.Engine,
        *,
        now: Now,
        readers: int,
        name: str,
        hurrying: Hurrying | None = None,
    ) -> None:
        """`hurrying` is there where the database is a file of this machine."""
        self._schema = Schema(tables)
        self._statements = Statements(self._schema, writing.dialect)
        self._writing = writing
        self._reading = reading
        self._now = now
        self._name = name
        self._wakes = Wakes()
        self.writes = Writes()
        self._threads = ThreadPoolExecutor(readers, thread_name_prefix="database-reader")
        self._is_open = False
        self._writer = GroupWriter(
            writing,
            self._statements,
            now,
            self._committing,
            self._wakes.advance,
            name,
            self.writes,
            hurrying,
        )

    async def start(self) -> None:
        await asyncio.to_thread(self._open)
        self._is_open = True
        self._wakes.advance(await self._last())

    async def close(self) -> None:
        if self._is_open:
            self._is_open = False
            await self._writer.close()
        await asyncio.to_thread(self._threads.shutdown)
        self._writing.dispose()
        self._reading.dispose()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        self._check_open()
        return await self._writer.write(work)

    async def jot(self, work: Callable[[Transaction], T]) -> T:
        self._check_open()
        return await self._writer.write(work, is_short=True)

    async def read(self, work: Callable[[Snapshot], T]) -> T:
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    async def glance(self, work: Callable[[Snapshot], T]) -> T:
        return await self.read(work)

    def recent(self, after: int) -> list[Change] | None:
        return self._wakes.recent(after)

    async def wait(self, after: int, timeout: float) -> int:  # noqa: ASYNC109  the Protocol's
        return await self._wakes.wait(after, timeout, self._last)

    def _open(self) -> None:
        """Find the database in place, and give the feed its row."""
        row, entries = self._schema.of(FEED), self._schema.of(CHANGES)
        try:
            with self._writing.begin() as connection:
                row.create(connection, checkfirst=True)
                seq = connection.execute(sa.select(sa.func.max(entries.c.seq))).scalar_one() or 0
                first = insert_into(row, self._writing.name).values(id=FEED_ROW, seq=seq)
                connection.execute(first.on_conflict_do_nothing())
        except sa.exc.DBAPIError as error:
            raise meaning(error, self._name) from error

    def _read(self, work: Callable[[Snapshot], T]) -> T:
        try:
            with self._snapshot() as connection:
                return work(SqlSnapshot(connection, self._statements, self._now))
        except sa.exc.DBAPIError as error:
            raise meaning(error, self._name) from error

    @contextmanager
    def _snapshot(self) -> Iterator[sa.Connection]:
        """A connection whose transaction only reads."""
        with self._reading.connect() as connection:
            connection.begin()
            yield connection

    async def _last(self) -> int:
        return await self.read(lambda snapshot: snapshot.last_change())

    def _committing(self, connection: sa.Connection, seq: int) -> None:
        """Called in the transaction that takes the feed to `seq`."""

    def _check_open(self) -> None:
        if not self._is_open:
            raise DatabaseUnavailable(f"{self._name} is closed", hint="Start it first.")
