"""SQLAlchemy tables, built from ours; nothing else says what a column is in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from pileus.storage import rules
from pileus.storage.table import Column, Kind, Table
from pileus.storage.tables import TABLES

_LONGEST_NAME = 63
"""Postgres cuts longer names, and then two could be one."""

# Code points everywhere, so that pages and comparisons do not depend on a server's locale.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_TYPES: dict[Kind, sa.types.TypeEngine[Any]] = {
    Kind.TEXT: _TEXT,
    Kind.INTEGER: sa.BigInteger(),
    Kind.BOOLEAN: sa.Boolean(),
    Kind.TIME: sa.BigInteger(),
    Kind.JSON: sa.Text(),
}


class Schema:
    """The tables of one database, those of the feed included."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self.metadata = sa.MetaData()
        self._tables = {
            name: _build(self.metadata, table)
            for name, table in rules.catalog([*tables, *TABLES]).items()
        }

    def of(self, table: Table) -> sa.Table:
        """The SQL side of `table`. Raises KeyError for one that the database was not given."""
        return self._tables[table.name]


def _build(metadata: sa.MetaData, table: Table) -> sa.Table:
    return sa.Table(
        table.name,
        metadata,
        *(_column(column) for column in table.columns),
        sa.PrimaryKeyConstraint(*table.key, name=_name("pk", table, ())),
        *(sa.UniqueConstraint(*names, name=_name("uq", table, names)) for names in table.unique),
        *(sa.Index(_name("ix", table, names), *names) for names in table.index),
        implicit_returning=False,
    )


def _column(column: Column) -> sa.Column[object]:
    return sa.Column(column.name, _TYPES[column.kind], nullable=column.null, autoincrement=False)


def _name(prefix: str, table: Table, columns: tuple[str, ...]) -> str:
    name = "_".join((prefix, table.name, *columns))
    if len(name) <= _LONGEST_NAME:
        return name
    digest = sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_NAME - 9]}_{digest}"
