"""The rows of a database as JSON lines: the same for SQLite and Postgres, so either reads both.

First a line with schema and revision, then for each table its name and columns and a line per
row, last the number of rows of each table. All of it is one snapshot.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from pileus.core.errors import PileusError
from pileus.storage.backup.errors import BackupDamaged
from pileus.storage.databases.sql_failures import meaning
from pileus.storage.databases.sqlite import sqlite_engine, sqlite_snapshots
from pileus.storage.errors import DatabaseForeign, DatabaseUnavailable
from pileus.storage.migrate import current_revision
from pileus.storage.migrations.running import upgrade
from pileus.storage.revisions import known_revision

SCHEMA = 1
_BATCH = 1000


@dataclass(frozen=True)
class Dumped:
    """What a dump holds."""

    revision: str
    rows: Mapping[str, int]


def dump(url: str, file: BinaryIO) -> Dumped:
    """Write every row that Pileus has at `url`. Raises DatabaseUnavailable, HomeTooNew."""
    address = sa.make_url(url)
    engine = _snapshots(address)
    try:
        with engine.connect() as connection, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as out:
            return _dump(connection, out)
    except sa.exc.DBAPIError as error:
        raise meaning(error, f"database {address.render_as_string()!r}") from error
    finally:
        engine.dispose()


def load(url: str, file: BinaryIO) -> Dumped:
    """Build the schema that was dumped in an empty database and fill it, all or nothing.

    Raises DatabaseForeign for one that is not empty, HomeTooNew, BackupDamaged,
    DatabaseUnavailable, StorageFull.
    """
    address = sa.make_url(url)
    is_sqlite = address.get_backend_name() == "sqlite"
    engine = sqlite_engine(Path(address.database or "")) if is_sqlite else sa.create_engine(address)
    try:
        with engine.begin() as connection, gzip.GzipFile(fileobj=file, mode="rb") as lines:
            return _load(connection, _documents(lines))
    except sa.exc.DBAPIError as error:
        raise meaning(error, f"database {address.render_as_string()!r}") from error
    finally:
        engine.dispose()


def holds(url: str, file: BinaryIO) -> bool:
    """Whether the database has exactly the rows that were dumped to `file`."""
    with tempfile.TemporaryFile() as found:
        try:
            dump(url, found)
        except PileusError:  # of nobody's, or a newer one's
            return False
        found.seek(0)
        with gzip.GzipFile(fileobj=found) as there, gzip.GzipFile(fileobj=file) as wanted:
            return all(one == other for one, other in zip_longest(there, wanted))


@cache
def tables_at(revision: str) -> sa.MetaData:
    """Tables as the revisions up to this one make them."""
    engine = sa.create_engine("sqlite://")
    metadata = sa.MetaData()
    with engine.begin() as connection:
        upgrade(connection, sa.MetaData(), to=revision)
        metadata.reflect(connection, only=lambda name, _: name != "alembic_version")
    engine.dispose()
    return metadata


def _snapshots(address: sa.URL) -> sa.Engine:
    if address.get_backend_name() != "sqlite":
        return sa.create_engine(address, isolation_level="REPEATABLE READ")
    path = Path(address.database or "")
    if not path.exists():  # looking would make it
        raise DatabaseUnavailable(
            f"There is no database at {str(path)!r}", hint="Name the home of an installation."
        )
    return sqlite_snapshots(path)


def _dump(connection: sa.Connection, out: gzip.GzipFile) -> Dumped:
    revision = current_revision(connection)
    if revision is None:
        raise DatabaseUnavailable(
            "The database has no tables yet", hint="Start Pileus on it once with `pileus up`."
        )
    known_revision(revision)
    rows: dict[str, int] = {}
    _write(out, {"schema": SCHEMA, "revision": revision})
    for table in tables_at(revision).sorted_tables:
        _write(out, {"table": table.name, "columns": [column.name for column in table.columns]})
        query = sa.select(table).order_by(*table.primary_key.columns)
        found = connection.execution_options(yield_per=_BATCH).execute(query)
        count = 0
        for row in found:
            _write(out, list(row))
            count += 1
        rows[table.name] = count
    _write(out, {"rows": rows})
    return Dumped(revision, rows)


def _load(connection: sa.Connection, documents: Iterator[Any]) -> Dumped:
    head: dict[str, Any] = next(documents, {})
    if head.get("schema") != SCHEMA:
        raise BackupDamaged(f"The rows have schema {head.get('schema')!r}, not {SCHEMA}")
    revision = str(head["revision"])
    known_revision(revision)
    tables = tables_at(revision).tables
    taken = sorted(set(sa.inspect(connection).get_table_names()) & {*tables, "alembic_version"})
    if taken:
        raise DatabaseForeign(
            f"The database is not empty: it has tables {taken!r}",
            hint="Name an empty database; what is there was not touched.",
        )
    upgrade(connection, sa.MetaData(), to=revision)
    counts = _insert(connection, tables, documents)
    return Dumped(revision, counts)


def _insert(
    connection: sa.Connection, tables: Mapping[str, sa.Table], documents: Iterator[Any]
) -> dict[str, int]:
    table = sa.Table("", sa.MetaData())
    columns: list[str] = []
    batch: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for document in documents:
        if isinstance(document, list):
            batch.append(dict(zip(columns, document, strict=True)))
            counts[table.name] += 1
        if batch and (len(batch) == _BATCH or isinstance(document, dict)):
            connection.execute(sa.insert(table), batch)
            batch = []
        if isinstance(document, dict):
            if "rows" in document:
                if document["rows"] != counts:
                    raise BackupDamaged("The numbers of rows are not those that were written")
                return counts
            table, columns = tables[document["table"]], document["columns"]
            counts[table.name] = 0
    raise BackupDamaged("The rows end too early")


def _documents(lines: gzip.GzipFile) -> Iterator[Any]:
    try:
        for line in lines:
            yield json.loads(line)
    except (EOFError, OSError, ValueError) as error:
        raise BackupDamaged(f"The rows cannot be read: {error}") from error


def _write(out: gzip.GzipFile, document: object) -> None:
    out.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
