"""Conditions and orders as SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import sqlalchemy as sa

from pileus.storage import rules
from pileus.storage.table import Table
from pileus.storage.transaction import Where
from pileus.storage.values import Value

Clause = sa.ColumnElement[bool]

_COMPARE: dict[str, Callable[[Any, Any], Clause]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


def conditions(table: Table, columns: sa.Table, where: Where, dialect: str) -> list[Clause]:
    """The clauses of `where`, all of which must hold."""
    return [
        _clause(columns.c[name], operator, value, dialect)
        for name, operator, value in rules.primitives(table, where)
    ]


def ordering(
    table: Table, columns: sa.Table, order: Sequence[str], limit: int | None
) -> list[sa.ColumnElement[Any]]:
    """What to sort by; nulls come first, and last when descending."""
    found: list[sa.ColumnElement[Any]] = []
    for name, descends in rules.complete_order(table, order, limit):
        column = columns.c[name]
        by = column.desc() if descends else column.asc()
        if column.nullable:
            by = by.nulls_last() if descends else by.nulls_first()
        found.append(by)
    return found


def _clause(column: sa.Column[Any], operator: str, value: Value, dialect: str) -> Clause:
    if operator == "in":
        return _is_one_of(column, value, dialect)
    if value is None:
        if operator == "=":
            return column.is_(None)
        return column.is_not(None) if operator == "!=" else sa.false()
    return _COMPARE[operator](column, value)


def _is_one_of(column: sa.Column[Any], values: list[Any], dialect: str) -> Clause:
    # One parameter however many values there are: both databases limit how many a statement has.
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import ARRAY  # a server on SQLite starts without it

        array = ARRAY(sa.Text() if isinstance(column.type, sa.Text) else column.type)
        return column == sa.any_(sa.literal(values, array))
    listed = sa.func.json_each(sa.literal(json.dumps(values), sa.Text())).table_valued("value")
    return column.in_(sa.select(listed.c.value))
