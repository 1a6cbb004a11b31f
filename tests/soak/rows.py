"""A database's rows as they are at the first look, read beside its servers."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa


class Rows(Protocol):
    """One state of a database."""

    def of(self, query: str) -> Sequence[Any]:
        """Rows, each of which has its values by name."""
        ...

    def close(self) -> None: ...


class SqliteRows:
    """Of the file of an installation."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, isolation_level=None, timeout=30.0
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("begin")

    def of(self, query: str) -> Sequence[Any]:
        return self._connection.execute(query).fetchall()

    def close(self) -> None:
        self._connection.close()


class PostgresRows:
    """Of a database that several servers share; `engine` has snapshots for transactions."""

    def __init__(self, engine: sa.Engine) -> None:
        self._connection = engine.connect()

    def of(self, query: str) -> Sequence[Any]:
        return self._connection.execute(sa.text(query)).mappings().all()

    def close(self) -> None:
        self._connection.close()
