"""Statements, built once per shape: two calls of one shape differ in their parameters only.

Building a statement costs several times what running it does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from pileus.storage.databases.sql_insert import insert_into
from pileus.storage.databases.sql_query import conditions, ordering, parameter
from pileus.storage.databases.sql_schema import Schema
from pileus.storage.rules import Primitive
from pileus.storage.table import Table
from pileus.storage.values import Value

S = TypeVar("S", bound=sa.Executable)

_LIMIT = "how_many"
_COUNT = sa.BigInteger()


class Statements:
    """The statements of one database's dialect."""

    def __init__(self, schema: Schema, dialect: str) -> None:
        self.schema = schema
        self.dialect = dialect
        self._built: dict[Hashable, Any] = {}

    def find(
        self,
        table: Table,
        where: Sequence[Primitive],
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> sa.Select[Any]:
        """Rows that match, sorted; how many at most is a parameter."""

        def build() -> sa.Select[Any]:
            columns = self.schema.of(table)
            found = (
                sa.select(columns)
                .where(*conditions(columns, where, self.dialect))
                .order_by(*ordering(table, columns, order, limit))
            )
            return found if limit is None else found.limit(sa.bindparam(_LIMIT, type_=_COUNT))

        return self._once(("find", table.name, _shape(where), tuple(order), limit is None), build)

    def insert(self, table: Table) -> sa.Insert:
        """A row that is not there; its columns are parameters."""
        return self._once(
            ("insert", table.name),
            # A failed statement would end the whole transaction on Postgres; one that does
            # nothing, and says so, ends it nowhere.
            lambda: insert_into(self.schema.of(table), self.dialect).on_conflict_do_nothing(),
        )

    def append(self, table: Table) -> sa.Insert:
        """A row that cannot be there."""
        return self._once(("append", table.name), lambda: sa.insert(self.schema.of(table)))

    def put(self, table: Table) -> sa.Insert:
        """A row, in place of one with its key; its columns are parameters."""

        def build() -> sa.Insert:
            insert = insert_into(self.schema.of(table), self.dialect)
            names = [column.name for column in table.columns if column.name not in table.key]
            if not names:
                return insert.on_conflict_do_nothing(index_elements=list(table.key))
            rest = {name: insert.excluded[name] for name in names}
            return insert.on_conflict_do_update(index_elements=list(table.key), set_=rest)

        return self._once(("put", table.name), build)

    def update(self, table: Table, where: Sequence[Primitive]) -> sa.Update:
        """Rows that match; their new columns are parameters."""

        def build() -> sa.Update:
            columns = self.schema.of(table)
            return sa.update(columns).where(*conditions(columns, where, self.dialect))

        return self._once(("update", table.name, _shape(where)), build)

    def parameters(self, where: Sequence[Primitive], limit: int | None = None) -> dict[str, Any]:
        """What a statement of this shape is called with."""
        found = {
            parameter(number): self._value(operator, value)
            for number, (_, operator, value) in enumerate(where)
            if value is not None
        }
        if limit is not None:
            found[_LIMIT] = limit
        return found

    def _value(self, operator: str, value: Value) -> Value:
        # SQLite has no arrays.
        return json.dumps(value) if operator == "in" and self.dialect == "sqlite" else value

    def _once(self, shape: Hashable, build: Callable[[], S]) -> S:
        if shape not in self._built:
            self._built[shape] = build()
        found: S = self._built[shape]
        return found


def _shape(where: Sequence[Primitive]) -> Hashable:
    return tuple((name, operator, value is None) for name, operator, value in where)
