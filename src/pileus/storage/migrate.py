"""Brings a database to the schema of this version before anything else opens it.

A fresh one is built from the tables; an older one is copied (SQLite) and upgraded by the files of
`migrations/versions`; one of a newer version is refused. Each happens whole or not at all.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from pileus.core.failpoints import failpoint
from pileus.storage.databases.sql_failures import meaning
from pileus.storage.databases.sql_schema import Schema
from pileus.storage.databases.sqlite import sqlite_engine
from pileus.storage.errors import DatabaseForeign, HomeTooNew
from pileus.storage.mounts import check_local
from pileus.storage.table import Table

log = logging.getLogger(__name__)

DIRECTORY = Path(__file__).parent / "migrations"

_NONE = "0000"
"""Revision of a database made while there were no migrations yet."""

_LOCK = 0x70696C
"""Advisory lock of Postgres: of servers that start together, one migrates."""

_VERSION = sa.Table(
    "alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True)
)


def migrate(url: str, tables: Iterable[Table], backups: Path, directory: Path = DIRECTORY) -> None:
    """Create or upgrade. Raises HomeTooNew, DatabaseForeign, NetworkFileSystem, StorageFull,
    DatabaseUnavailable."""
    address = sa.make_url(url)
    is_sqlite = address.get_backend_name() == "sqlite"
    if is_sqlite:
        check_local(Path(address.database or ""))
    engine = sqlite_engine(Path(address.database or "")) if is_sqlite else sa.create_engine(address)
    schema = Schema(tables)
    try:
        _bring_up(engine, schema, backups, directory)
    except sa.exc.OperationalError as error:
        raise meaning(error, f"database {address.render_as_string()!r}") from error
    finally:
        engine.dispose()


def revisions(directory: Path = DIRECTORY) -> list[str]:
    """Revisions in order: the numbers that the files begin with, so that nothing is imported."""
    return sorted(file.name[:4] for file in (directory / "versions").glob("[0-9]*.py"))


def _bring_up(engine: sa.Engine, schema: Schema, backups: Path, directory: Path) -> None:
    known = [_NONE, *revisions(directory)]
    with engine.connect() as connection:
        found = current_revision(connection)
    if found == known[-1]:
        return
    _refuse_newer(found, known)
    if found is not None and engine.name == "sqlite":
        log.info("Copied the database to %s", _copy(engine, found, backups))
    with engine.begin() as connection:
        if engine.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            # Another server may have been first.
            found = current_revision(connection)
        _refuse_newer(found, known)
        if found is None:
            _create(connection, schema, known[-1])
        elif found != known[-1]:
            from pileus.storage.migrations.running import upgrade  # alembic: 0.2 s, rarely needed

            upgrade(connection, schema.metadata, directory)
            log.info("Upgraded the database from %s to %s", found, known[-1])


def current_revision(connection: sa.Connection) -> str | None:
    """Revision that the database is at; None for an empty one."""
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    return connection.execute(sa.select(_VERSION.c.version_num)).scalar_one_or_none()


def known_revision(revision: str) -> None:
    """Raises HomeTooNew for a revision that a newer Pileus made."""
    _refuse_newer(revision, [_NONE, *revisions()])


def _refuse_newer(found: str | None, known: list[str]) -> None:
    if found is not None and found not in known:
        raise HomeTooNew(
            f"The database is at revision {found!r}; this Pileus knows up to {known[-1]!r}",
            hint="Start the version of Pileus that wrote it, or a newer one.",
        )


def _create(connection: sa.Connection, schema: Schema, head: str) -> None:
    taken = set(sa.inspect(connection).get_table_names()) & set(schema.metadata.tables)
    if taken:
        raise DatabaseForeign(
            f"The database has tables {sorted(taken)!r} that Pileus did not make",
            hint="Name an empty database.",
        )
    schema.metadata.create_all(connection)
    _VERSION.create(connection, checkfirst=True)
    connection.execute(sa.insert(_VERSION).values(version_num=head))


def _copy(engine: sa.Engine, revision: str, backups: Path) -> Path:
    """A copy of a SQLite file that is whole or not there."""
    backups.mkdir(parents=True, exist_ok=True, mode=0o700)
    source = Path(engine.url.database or "")
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    copy = backups / f"{source.stem}-{revision}-{moment}.db"
    temporary = copy.with_suffix(".partial")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(temporary)) as new:
            old.backup(new)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    failpoint("database.copied")
    return temporary.replace(copy)
