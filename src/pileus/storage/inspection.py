"""A look at a SQLite database from outside, without changing anything, up or down."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SECONDS = 20.0
"""A check reads every page; of a very large database only what fits into this time."""

_STEPS = 100_000
"""Of SQLite's machine between two looks at the clock: some 10 ms."""


@dataclass(frozen=True)
class Inspection:
    """What was seen."""

    size_bytes: int
    wal_bytes: int
    revision: str | None = None
    problem: str | None = None
    """What is damaged."""

    is_complete: bool = True
    """Whether all of it was read."""


def inspect(path: Path, seconds: float = SECONDS) -> Inspection:
    """Look at the database in `path`."""
    wal = path.with_name(f"{path.name}-wal")
    size, wal_bytes = path.stat().st_size, wal.stat().st_size if wal.exists() else 0
    deadline = time.monotonic() + seconds
    try:
        with closing(sqlite3.connect(reading_address(path), uri=True)) as connection:
            revision = _revision(connection)
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            problem, is_complete = _checked(connection)
    except sqlite3.Error as error:
        return Inspection(size, wal_bytes, problem=str(error))
    return Inspection(size, wal_bytes, revision, problem, is_complete)


def reading_address(path: Path) -> str:
    """The URI by which SQLite reads the database in `path` and changes nothing."""
    # A database at rest is read as it lies: even a reader would put files beside it.
    is_in_use = path.with_name(f"{path.name}-wal").exists()
    return f"file:{quote(str(path))}?mode=ro" + ("" if is_in_use else "&immutable=1")


def _revision(connection: sqlite3.Connection) -> str | None:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None
    return None if row is None else str(row[0])


def _checked(connection: sqlite3.Connection) -> tuple[str | None, bool]:
    try:
        rows = connection.execute("PRAGMA quick_check(3)").fetchall()
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return None, False
        raise
    said = "; ".join(str(row[0]) for row in rows)
    return (None if said == "ok" else said), True
