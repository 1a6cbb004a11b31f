"""What a driver's failure means to a caller."""

from __future__ import annotations

import sqlite3
from typing import cast

import sqlalchemy as sa

from pileus.core.errors import PileusError
from pileus.storage.errors import DatabaseUnavailable, StorageFull

_POSTGRES_FULL = "53100"
_POSTGRES_REPEAT = frozenset({"40001", "40P01"})  # serialization failure, deadlock

Lost = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError)
"""After one of these nothing is known of the transaction that it hit; others are a mistake in one
statement."""


def as_raised(connection: sa.Connection, text: str, error: Exception) -> sa.exc.DBAPIError:
    """A failure of the driver, in a statement that it ran by itself, as SQLAlchemy raises it."""
    dialect = connection.dialect
    driver = dialect.loaded_dbapi
    is_lost = dialect.is_disconnect(error, connection.connection, None)  # type: ignore[arg-type]
    if is_lost:
        connection.invalidate(error)
    raised = sa.exc.DBAPIError.instance(
        text, None, error, driver.Error, connection_invalidated=is_lost, dialect=dialect
    )
    return cast("sa.exc.DBAPIError", raised)


def is_repeatable(error: sa.exc.DBAPIError) -> bool:
    """Whether the same work, run again in a new transaction, may well succeed."""
    return error.connection_invalidated or _sqlstate(error) in _POSTGRES_REPEAT


def meaning(error: sa.exc.DBAPIError, name: str) -> PileusError:
    """The error of ours for a failure of the database called `name`."""
    if _is_full(error):
        return StorageFull(
            f"The disk of {name} is full; nothing was written",
            hint="Make room, then send the request again.",
        )
    return DatabaseUnavailable(
        f"{name} does not answer: {error.orig}",
        hint="Nothing is wrong with the request; send it again later.",
    )


def _is_full(error: sa.exc.DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_FULL or _sqlstate(error) == _POSTGRES_FULL


def _sqlstate(error: sa.exc.DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
