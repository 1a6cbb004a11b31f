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
from pileus.storage.errors import DatabaseForeign, StorageFull
from pileus.storage.mounts import check_local
from pileus.storage.revisions import DIRECTORY, NONE, known_revision, revisions
from pileus.storage.table import Table

log = logging.getLogger(__name__)

__all__ = ["DIRECTORY", "current_revision", "migrate", "revisions"]

_LOCK = 0x70696C
"""Advisory lock of Postgres: of servers that start together, one migrates."""

_WHOLE, _PARTIAL = ".db", ".partial"
"""Ends of the names of copies."""

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
        _forget_partial_copies(Path(address.database or ""), backups)
    engine = sqlite_engine(Path(address.database or "")) if is_sqlite else sa.create_engine(address)
    schema = Schema(tables)
    try:
        _bring_up(engine, schema, backups, directory)
    except sa.exc.OperationalError as error:
        raise meaning(error, f"database {address.render_as_string()!r}") from error
    finally:
        engine.dispose()


def _bring_up(engine: sa.Engine, schema: Schema, backups: Path, directory: Path) -> None:
    head = [NONE, *revisions(directory)][-1]
    with engine.connect() as connection:
        found = current_revision(connection)
    if found == head:
        return
    if found is not None:
        known_revision(found, directory)
    if found is not None and engine.name == "sqlite":
        log.info("Copied the database to %s", _copy(engine, found, backups))
    with engine.begin() as connection:
        if engine.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            # Another server may have been first.
            found = current_revision(connection)
        if found is None:
            _create(connection, schema, head)
        elif found != head:
            known_revision(found, directory)
            from pileus.storage.migrations.running import upgrade  # alembic: 0.2 s, rarely needed

            upgrade(connection, schema.metadata, directory)
            log.info("Upgraded the database from %s to %s", found, head)


def current_revision(connection: sa.Connection) -> str | None:
    """Revision that the database is at; None for an empty one."""
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    return connection.execute(sa.select(_VERSION.c.version_num)).scalar_one_or_none()


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
    source = Path(engine.url.database or "")
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    copy = backups / f"{source.stem}-{revision}-{moment}{_WHOLE}"
    try:
        backups.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _copied(source, copy)
    except (sqlite3.Error, OSError) as error:
        raise StorageFull(
            f"The database cannot be copied to {str(copy)!r} before its upgrade: {error}",
            hint="Make room there; the database is as it was.",
        ) from error


def _forget_partial_copies(source: Path, backups: Path) -> None:
    """Remove what a kill left: it holds wrapped keys, and who shreds them looks at whole copies."""
    for partial in backups.glob(f"{source.stem}-*{_PARTIAL}"):
        partial.unlink(missing_ok=True)


def _copied(source: Path, copy: Path) -> Path:
    temporary = copy.with_suffix(_PARTIAL)
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(temporary)) as new:
            old.backup(new)
        os.fsync(descriptor)
        failpoint("database.copied")
        return temporary.replace(copy)
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)
