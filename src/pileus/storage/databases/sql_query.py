"""Conditions and orders as SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import sqlalchemy as sa

from pileus.storage import rules
from pileus.storage.rules import Primitive
from pileus.storage.table import Table

Clause = sa.ColumnElement[bool]

_COMPARE: dict[str, Callable[[Any, Any], Clause]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


def conditions(columns: sa.Table, where: Sequence[Primitive], dialect: str) -> list[Clause]:
    """The clauses of `where`, all of which must hold; values are parameters, but for null."""
    return [
        _with_null(columns.c[name], operator)
        if value is None
        else _clause(columns.c[name], operator, parameter(number), dialect)
        for number, (name, operator, value) in enumerate(where)
    ]


def parameter(number: int) -> str:
    """Name of the parameter of a condition, by its place."""
    return f"where_{number}"


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


def _with_null(column: sa.Column[Any], operator: str) -> Clause:
    if operator == "=":
        return column.is_(None)
    return column.is_not(None) if operator == "!=" else sa.false()


def _clause(column: sa.Column[Any], operator: str, name: str, dialect: str) -> Clause:
    if operator == "in":
        return _is_one_of(column, name, dialect)
    return _COMPARE[operator](column, sa.bindparam(name))


def _is_one_of(column: sa.Column[Any], name: str, dialect: str) -> Clause:
    # One parameter however many values there are: both databases limit how many a statement has.
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import ARRAY  # a server on SQLite starts without it

        array = ARRAY(sa.Text() if isinstance(column.type, sa.Text) else column.type)
        return column == sa.any_(sa.bindparam(name, type_=array))
    listed = sa.func.json_each(sa.bindparam(name, type_=sa.Text())).table_valued("value")
    return column.in_(sa.select(listed.c.value))
