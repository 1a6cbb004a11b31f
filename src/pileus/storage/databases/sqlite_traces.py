"""Clears a secret column of a project from SQLite's files: the log of the database, and its copies.

The database overwrites what it deletes (`secure_delete`), but its write-ahead log keeps pages as they
were, and copies made before an upgrade know nothing of what came after.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from pileus.storage.table import Table

log = logging.getLogger(__name__)

_BUSY_SECONDS = 5.0


class SqliteTraces:
    """Of one column that has been set to null in the database itself."""

    def __init__(self, path: Path, copies: Path, table: Table, column: str) -> None:
        self._path = path
        self._copies = copies
        self._table = table.name
        self._column = table.column(column).name

    async def clear(self, project: str) -> None:
        await asyncio.to_thread(self._clear, project)

    def _clear(self, project: str) -> None:
        for copy in sorted(self._copies.glob("*.db")):
            self._overwrite(copy, project)
        if self._path.is_file():
            with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as connection:
                busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                log.warning("A reader holds the log of the database; a restart clears it")

    def _overwrite(self, copy: Path, project: str) -> None:
        with closing(sqlite3.connect(copy, timeout=_BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA secure_delete=ON")
            known = connection.execute(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (self._table,)
            ).fetchone()
            if known is None:
                return
            # Both names come from our own tables, never from a request.
            changed = connection.execute(
                f'UPDATE "{self._table}" SET "{self._column}" = NULL'  # noqa: S608
                f' WHERE project = ? AND "{self._column}" IS NOT NULL',
                (project,),
            ).rowcount
            connection.commit()
            if changed:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
