"""
A query to a database, by the URL of SQLAlchemy; its rows come as the database gives them.

Passwords are in no name, message or manifest. The one place outside `storage` that speaks SQL: the
database here is a person's, not the installation's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from pileus.data.errors import DatabaseRefused, TableDamaged
from pileus.data.faults import Faults
from pileus.data.sources.cell_text import cell_text
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.source import Row

_ROWS = 2000
"""Rows that are fetched at once."""

_TABLE = re.compile(r"\s*[\w.]+\s*")
_TABLES_NAMED = 20
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""What `pileus[postgres]` installs is not what SQLAlchemy takes by default."""


_INSTALL = (
    "Install it; for Postgres: pip install 'pileus[postgres]'. Another driver is named in the URL,"
    " as in mysql+pymysql://…"
)


class DatabaseQuery:
    """The rows of one query, or of one table."""

    kind: Literal["table"] = "table"
    label: str | None = None
    unit: Literal["line", "row"] = "row"

    def __init__(self, url: sa.URL, query: str | None, faults: Faults) -> None:
        self._url = url
        self._where = _shown(url)
        self.name = f"database:{self._where}"
        self._query = query
        self._faults = faults

    def rows(self) -> Iterator[Row]:
        with self._connected() as connection:
            result = connection.exec_driver_sql(self._sql(connection))
            if not result.returns_rows:
                raise self._refused("the query gives no rows", "Give a SELECT with --query.")
            names = list(result.keys())
            yield Row(0, names)
            for number, values in enumerate(result, start=1):
                cells = [cell_text(value) for value in values]
                if None in cells:
                    self._meet(number, names[cells.index(None)], values[cells.index(None)])
                else:
                    yield Row(number, [cell or "" for cell in cells])

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """A connection that only reads, row by row. Raises DatabaseRefused."""
        engine = self._engine()
        try:
            with engine.connect() as connection:
                # Without parameters, a percent sign of the query is one.
                connection.execution_options(
                    stream_results=True, yield_per=_ROWS, no_parameters=True
                )
                if self._url.get_backend_name() == "sqlite":
                    connection.exec_driver_sql("PRAGMA query_only = on")
                if self._url.get_backend_name() == "postgresql":
                    connection.execution_options(postgresql_readonly=True)
                yield connection
        except SQLAlchemyError as error:
            raise self._refused(self._said(error), "Check URL, rights and query.") from error
        finally:
            engine.dispose()

    def _engine(self) -> sa.Engine:
        try:
            return sa.create_engine(self._url, poolclass=sa.NullPool)
        except ModuleNotFoundError as error:
            raise self._refused(f"its driver {error.name!r} is not installed", _INSTALL) from error

    def _sql(self, connection: sa.Connection) -> str:
        if self._query is None:
            tables = sa.inspect(connection).get_table_names()
            raise self._refused(
                "which rows is not said",
                "Add --query with a SELECT or the name of a table"
                f" (it has {', '.join(tables[:_TABLES_NAMED]) or 'none'}).",
            )
        if not _TABLE.fullmatch(self._query):
            return self._query
        quote = connection.dialect.identifier_preparer.quote_identifier
        return "SELECT * FROM " + ".".join(  # noqa: S608  quoted, and the person's own database
            quote(part) for part in self._query.strip().split(".")
        )

    def _meet(self, number: int, column: str, value: object) -> None:
        error = TableDamaged(
            f"{self._where!r}, row {number}: column {column!r} has a value of type"
            f" {type(value).__name__!r}, not one cell",
            hint="Leave the column out of the query, or cast it to text there.",
        )
        self._faults.meet(error, self._where, number)

    def _said(self, error: SQLAlchemyError) -> str:
        text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        first = next(iter(text.strip().splitlines()), type(error).__name__)
        return first.replace(self._url.password or "\0", "***")

    def _refused(self, why: str, hint: str) -> DatabaseRefused:
        return DatabaseRefused(f"{self._where!r}: {why}", hint=hint)


def open_database(source: str, options: SourceOptions) -> DatabaseQuery:
    """The query of `options` to the database at the URL `source`. Raises DatabaseRefused."""
    options.refuse_all_but({"query"}, "a database")
    try:
        url = _parsed(source)
    except NoSuchModuleError as error:
        raise DatabaseRefused(
            f"No database of kind {source.partition('://')[0]!r} is known here",
            hint="Install the package that teaches it to SQLAlchemy, as duckdb-engine for duckdb://.",
        ) from error
    except (ArgumentError, ValueError) as error:
        # The error would show the URL, and with it the password.
        raise DatabaseRefused(
            "The URL of the database cannot be read",
            hint="Write DIALECT://USER:PASSWORD@HOST:PORT/DATABASE, or sqlite:///FILE;"
            " a sign such as @ or / in a password is written %40, %2F.",
        ) from error
    except ModuleNotFoundError as error:
        raise DatabaseRefused(
            f"The driver {error.name!r} of the database is not installed", hint=_INSTALL
        ) from error
    if url.get_backend_name() == "sqlite":
        _check_file(url)
    return DatabaseQuery(url, options.query, options.faults)


def _parsed(source: str) -> sa.URL:
    if source.count("@") > 1:
        # SQLAlchemy would take a part of the password for the host, and messages show hosts.
        raise ValueError("two @")
    url = sa.make_url(source)
    if url.drivername in _DRIVERS:
        url = url.set(drivername=_DRIVERS[url.drivername])
    url.get_dialect()
    return url


def _check_file(url: sa.URL) -> None:
    """SQLite makes a file that is not there, which would look like a database without tables."""
    file = url.database
    if file and file != ":memory:" and not file.startswith("file:") and not Path(file).is_file():
        raise DatabaseRefused(
            f"No file is at {file!r}",
            hint="Write sqlite:///FILE for a relative path, sqlite:////FILE for one from the root.",
        )


def _shown(url: sa.URL) -> str:
    """What may be shown and stored of a URL: neither user nor password nor options."""
    if url.get_backend_name() == "sqlite":
        return f"sqlite:{Path(url.database or ':memory:').name}"
    return sa.URL.create(
        url.get_backend_name(), host=url.host, port=url.port, database=url.database
    ).render_as_string()
