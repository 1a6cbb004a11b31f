"""Rows of one table as primitives in a dictionary, and the little algebra that a query needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from pileus.storage.rules import Primitive
from pileus.storage.table import Table
from pileus.storage.transaction import Record
from pileus.storage.values import Value, decode

Row = dict[str, Any]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


class MemoryRows:
    """Rows by primary key, with the unique constraints that guard them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.by_key: dict[tuple[Any, ...], Row] = {}
        self._unique: dict[tuple[str, ...], dict[tuple[Any, ...], Row]] = {
            columns: {} for columns in table.unique
        }

    def key(self, row: Row) -> tuple[Any, ...]:
        """The primary key of a row."""
        return tuple(row[name] for name in self.table.key)

    def is_taken(self, row: Row, but: Row | None = None) -> bool:
        """Whether another row than `but` stands where this one would."""
        found = [self.by_key.get(self.key(row))]
        found += [taken.get(_values(row, names)) for names, taken in self._unique.items()]
        return any(other is not None and other is not but for other in found)

    def set(self, key: tuple[Any, ...], row: Row | None) -> None:
        """Place a row, or remove the one that is there."""
        old = self.by_key.pop(key, None)
        for names, taken in self._unique.items():
            if old is not None:
                taken.pop(_values(old, names), None)
            # As in SQL, a null is equal to nothing, not even to another null.
            if row is not None and None not in (values := _values(row, names)):
                taken[values] = row
        if row is not None:
            self.by_key[key] = row


def matches(row: Row, conditions: Sequence[Primitive]) -> bool:
    """Whether all conditions hold, with the nulls of SQL: they compare as neither true nor false,
    but `= None` and `!= None` test for them."""
    return all(_holds(row[name], operator, value) for name, operator, value in conditions)


def sort(rows: list[Row], order: Sequence[tuple[str, bool]]) -> None:
    """Sort in place by (column, descends); nulls come first, and last when descending."""
    for name, descends in reversed(order):
        rows.sort(key=lambda row, name=name: _rank(row[name]), reverse=descends)  # type: ignore[misc]


def totals(
    table: Table, rows: Sequence[Row], columns: Sequence[str], by: Sequence[str]
) -> list[Record]:
    """Sums and counts per distinct `by`, in its order."""
    groups: dict[tuple[Any, ...], list[Row]] = {} if by else {(): []}
    for row in rows:
        groups.setdefault(_values(row, by), []).append(row)
    ordered = sorted(groups, key=lambda group: [_rank(value) for value in group])
    return [
        {
            **{
                name: decode(table.column(name).kind, value)
                for name, value in zip(by, group, strict=True)
            },
            **{name: sum(row[name] or 0 for row in groups[group]) for name in columns},
            "count": len(groups[group]),
        }
        for group in ordered
    ]


def _values(row: Row, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def _rank(value: Value) -> tuple[bool, Value]:
    return (value is not None, value)


def _holds(left: Value, operator: str, right: Value) -> bool:
    if right is None and operator in {"=", "!="}:
        return (left is None) == (operator == "=")
    if left is None or right is None:
        return False
    if operator == "in":
        return left in right
    return _COMPARE[operator](left, right)
