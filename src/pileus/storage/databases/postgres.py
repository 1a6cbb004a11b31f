"""Postgres, which several servers may share: they take turns to write, and LISTEN to each other.

A group begins by locking the feed's row, so writers of all servers run one after the other as they
do on SQLite, and `seq` grows in the order of commits, which a sequence does not promise.
Readers never wait: theirs are snapshots.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

import psycopg
import sqlalchemy as sa

from pileus.storage.databases.sql_database import SqlDatabase
from pileus.storage.databases.wakes import RESCUE_SECONDS
from pileus.storage.table import Table

log = logging.getLogger(__name__)

READERS = 8

_CHANNEL = "pileus_changes"


class PostgresDatabase(SqlDatabase):
    """A database at a `postgresql+psycopg://` URL."""

    def __init__(self, url: str, tables: Iterable[Table]) -> None:
        self._url = sa.make_url(url).set(drivername="postgresql+psycopg")
        self._listening: asyncio.Task[None] | None = None
        super().__init__(
            tables,
            # Each statement sees what was committed before it: all of it, once the row is ours.
            _engine(self._url, 1, "READ COMMITTED"),
            _engine(self._url, READERS, "REPEATABLE READ"),
            now=_now,
            readers=READERS,
            name=f"database {self._url.render_as_string()!r}",
        )

    async def start(self) -> None:
        await super().start()
        self._listening = asyncio.create_task(self._listen(), name="postgres-listen")

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await super().close()

    def _committing(self, connection: sa.Connection, seq: int) -> None:
        # Delivered with the commit, or never.
        connection.execute(sa.select(sa.func.pg_notify(_CHANNEL, str(seq))))

    async def _listen(self) -> None:
        """Hear of the commits of other servers until cancelled."""
        address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(address, autocommit=True)
                async with connection:
                    await connection.execute(f"LISTEN {_CHANNEL}")
                    async for notification in connection.notifies():
                        self._wakes.advance(int(notification.payload))
            except psycopg.OperationalError:
                # Until then the rescue finds what the notifications would have told.
                log.warning("Lost the connection that listens for changes; trying again")
            await asyncio.sleep(RESCUE_SECONDS)


def _engine(url: sa.URL, connections: int, isolation: str) -> sa.Engine:
    return sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level=isolation,
        connect_args={"connect_timeout": 10},
    )


def _now(connection: sa.Connection) -> datetime:
    now: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)
