"""Rows for any table, so that a migration meets data whatever the tables are."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def fill(connection: sa.Connection, rows: int = 3) -> dict[str, list[dict[str, Any]]]:
    """Put rows into every table that is there; table → the rows, as `read` finds them."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        if table.name != "alembic_version":
            values = [_row(table, number) for number in range(rows)]
            connection.execute(sa.insert(table), values)
    return read(connection)


def read(connection: sa.Connection) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table but the revision's own, in order."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return {
        table.name: [
            dict(row)
            for row in connection.execute(
                sa.select(table).order_by(*table.primary_key.columns)
            ).mappings()
        ]
        for table in metadata.sorted_tables
        if table.name != "alembic_version"
    }


def _row(table: sa.Table, number: int) -> dict[str, Any]:
    """Different in every column; a column that may be empty is so in the first row."""
    return {
        column.name: None if column.nullable and number == 0 else _value(column, number)
        for column in table.columns
    }


def _value(column: sa.Column[Any], number: int) -> Any:
    if isinstance(column.type, sa.Boolean):
        return number % 2 == 0
    if isinstance(column.type, sa.Integer):
        return 1_700_000_000_000_000 + number
    # Text may be JSON to those who read it, and a string is JSON only in quotes.
    return f'"{column.table.name} {column.name} {number} ä"'
