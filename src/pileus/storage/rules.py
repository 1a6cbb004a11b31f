"""What every database checks before it touches a table, so that all refuse the same mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pileus.storage.errors import Duplicate, Stale
from pileus.storage.table import Kind, Table
from pileus.storage.transaction import Record, Where
from pileus.storage.values import encode

Primitive = tuple[str, str, Any]
"""A condition whose value is a primitive, or a list of them for `in`."""

_OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">=", "in"})


def catalog(tables: Iterable[Table]) -> dict[str, Table]:
    """Tables by name. Raises ValueError for a set that cannot be one database."""
    found: dict[str, Table] = {}
    for table in tables:
        if table.name in found:
            raise ValueError(f"two tables are called {table.name!r}")
        names = {column.name for column in table.columns}
        about = () if table.about is None else (table.about,)
        for columns in (table.key, *table.unique, *table.index, about):
            if not set(columns) <= names:
                raise ValueError(f"table {table.name!r} has no columns {columns!r}")
        if "rev" in names and not {"id", "project"} <= names:
            raise ValueError(f"table {table.name!r} has a rev, so the feed needs id and project")
        found[table.name] = table
    return found


def changes_by_swap(table: Table) -> None:
    """Raises ValueError when the table has no `rev`."""
    if not table.has_rev:
        raise ValueError(f"table {table.name!r} has no rev: use put")


def changes_by_put(table: Table) -> None:
    """Raises ValueError when the table has a `rev`."""
    if table.has_rev:
        raise ValueError(f"table {table.name!r} has a rev: use insert and swap")


def primitives(table: Table, where: Where) -> list[Primitive]:
    """The conditions, their values encoded. Raises ValueError for one with no meaning."""
    found: list[Primitive] = []
    for name, operator, value in where:
        kind = table.column(name).kind
        if kind is Kind.JSON or operator not in _OPERATORS:
            raise ValueError(f"{name!r} of {table.name!r} cannot be compared by {operator!r}")
        if operator == "in":
            encoded = [encode(kind, each) for each in value if each is not None]
            found.append((name, operator, encoded))
        else:
            found.append((name, operator, encode(kind, value)))
    return found


def one_row(table: Table, key: Mapping[str, Any]) -> Where:
    """Conditions that at most one row meets. Raises ValueError for columns that say less."""
    if not any(set(columns) <= key.keys() for columns in (table.key, *table.unique)):
        raise ValueError(f"{sorted(key)!r} is no key of table {table.name!r}")
    return [(name, "=", value) for name, value in key.items()]


def complete_order(table: Table, order: Sequence[str], limit: int | None) -> list[tuple[str, bool]]:
    """Columns to sort by and whether each descends; the key decides between equals, so that a
    page is the same on every database. Empty when any order will do.
    """
    if not order and limit is None:
        return []
    found = [(name.removeprefix("-"), name.startswith("-")) for name in order]
    for name, _ in found:
        if table.column(name).kind is Kind.JSON:
            raise ValueError(f"{name!r} of {table.name!r} is JSON: nothing is sorted by it")
    named = {name for name, _ in found}
    return [*found, *((name, False) for name in table.key if name not in named)]


def duplicate(table: Table, record: Record) -> Duplicate:
    """The error of a row whose key, or a unique constraint, is taken."""
    return Duplicate(
        f"{_named(table, record)} exists already",
        hint="Load the one that exists, or choose another name.",
    )


def stale(table: Table, record: Record) -> Stale:
    """The error of a swap that another writer forestalled."""
    return Stale(
        f"{_named(table, record)} is no longer at rev {record['rev']!r}",
        hint="Load it again and repeat the change.",
    )


def _named(table: Table, record: Record) -> str:
    key = [record[name] for name in table.key]
    name = record.get("name")
    return f"{table.noun} {name or (key[0] if len(key) == 1 else tuple(key))!r}"
