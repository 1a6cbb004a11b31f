"""Rows as another process than the server sees them: one snapshot, nothing changed, up or down."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from pileus.storage.databases.sql_failures import meaning
from pileus.storage.databases.sql_schema import Schema
from pileus.storage.databases.sql_statements import Statements
from pileus.storage.databases.sql_transaction import SqlSnapshot
from pileus.storage.errors import DatabaseUnavailable
from pileus.storage.inspection import reading_address
from pileus.storage.table import Table
from pileus.storage.transaction import Snapshot


@contextmanager
def snapshot_of(url: str, tables: Iterable[Table]) -> Iterator[Snapshot | None]:
    """The rows of `tables` at `url`; None while one of them is not there yet.

    Raises DatabaseUnavailable.
    """
    wanted = list(tables)
    address = sa.make_url(url)
    engine = _engine(address)
    statements = Statements(Schema(wanted), engine.dialect)
    try:
        with engine.connect() as connection:
            known = sa.inspect(connection)
            is_there = all(known.has_table(table.name) for table in wanted)
            yield (
                SqlSnapshot(connection, statements, lambda _: datetime.now(UTC))
                if is_there
                else None
            )
    except sa.exc.DBAPIError as error:
        raise meaning(error, f"database {address.render_as_string()!r}") from error
    finally:
        engine.dispose()


def _engine(address: sa.URL) -> sa.Engine:
    if address.get_backend_name() != "sqlite":
        return sa.create_engine(
            address.set(drivername="postgresql+psycopg"),
            isolation_level="REPEATABLE READ",
            connect_args={"connect_timeout": 10},
        )
    path = Path(address.database or "")
    if not path.exists():
        raise DatabaseUnavailable(
            f"There is no database at {str(path)!r}", hint="`pileus up` makes it."
        )
    return sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(reading_address(path), uri=True),
        poolclass=sa.NullPool,
    )
