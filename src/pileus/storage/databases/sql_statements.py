"""Statements, written once per shape: two calls of one shape differ in their parameters only.

SQLAlchemy writes them and the driver runs them: through SQLAlchemy, which each time looks at everything
that a statement could be, one takes five times as long, and that was most of what a job cost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from pileus.storage.databases.sql_failures import as_raised
from pileus.storage.databases.sql_insert import insert_into
from pileus.storage.databases.sql_query import conditions, ordering, parameter
from pileus.storage.databases.sql_schema import Schema
from pileus.storage.rules import Primitive
from pileus.storage.table import Table
from pileus.storage.values import Value

T = TypeVar("T")

_LIMIT = "how_many"
_COUNT = sa.BigInteger()


class Statement:
    """One statement in the words of the driver. Run it where a transaction has begun."""

    def __init__(self, compiled: sa.Compiled, columns: Collection[str]) -> None:
        """`columns` are those that it sets."""
        self._text = compiled.string
        self._order: Sequence[str] | None = getattr(compiled, "positiontup", None)
        """The names of the parameters, where the driver wants them by place."""

        self._fixed = {
            name: value
            for name, value in compiled.params.items()
            if value is not None and name not in columns
        }
        """What SQLAlchemy has put in itself, such as where a limit begins."""

    def rows(self, connection: sa.Connection, parameters: Mapping[str, Any]) -> list[Sequence[Any]]:
        """What it finds. Raises what SQLAlchemy raises."""

        def found(cursor: DBAPICursor) -> list[Sequence[Any]]:
            cursor.execute(self._text, self._bound(parameters))
            return list(cursor.fetchall())

        return self._done(connection, found)

    def run(self, connection: sa.Connection, parameters: Mapping[str, Any]) -> int:
        """How many rows it has changed. Raises what SQLAlchemy raises."""

        def changed(cursor: DBAPICursor) -> int:
            cursor.execute(self._text, self._bound(parameters))
            return cursor.rowcount

        return self._done(connection, changed)

    def run_all(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once with the parameters of each row. Raises what SQLAlchemy raises."""
        bound = [self._bound(row) for row in rows]
        self._done(connection, lambda cursor: cursor.executemany(self._text, bound))

    def _done(self, connection: sa.Connection, work: Callable[[DBAPICursor], T]) -> T:
        try:
            return work(connection.connection.cursor())
        except connection.dialect.loaded_dbapi.Error as error:
            raise as_raised(connection, self._text, error) from error

    def _bound(self, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401  as the driver has it
        if self._fixed:
            parameters = {**self._fixed, **parameters}
        if self._order is None:
            return parameters
        return [parameters[name] for name in self._order]


class Statements:
    """The statements of one database's dialect."""

    def __init__(self, schema: Schema, dialect: sa.Dialect) -> None:
        self.schema = schema
        self.dialect = dialect.name
        self._dialect = dialect
        self._written: dict[Hashable, Statement] = {}

    def find(
        self,
        table: Table,
        where: Sequence[Primitive],
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> Statement:
        """Rows that match, sorted; how many at most is a parameter."""

        def build() -> sa.Select[Any]:
            columns = self.schema.of(table)
            found = (
                sa.select(columns)
                .where(*conditions(columns, where, self.dialect))
                .order_by(*ordering(table, columns, order, limit))
            )
            return found if limit is None else found.limit(sa.bindparam(_LIMIT, type_=_COUNT))

        return self._once(
            ("find", table.name, _shape(where), tuple(order), limit is None), build, ()
        )

    def total(
        self,
        table: Table,
        columns: Sequence[str],
        where: Sequence[Primitive],
        by: Sequence[str],
    ) -> Statement:
        """Of rows that match: what they are grouped by, the sums of columns, and how many."""

        def build() -> sa.Select[Any]:
            source = self.schema.of(table)
            groups = [source.c[name] for name in by]
            sums = [sa.func.coalesce(sa.func.sum(source.c[name]), 0) for name in columns]
            return (
                sa.select(*groups, *sums, sa.func.count())
                .select_from(source)
                .where(*conditions(source, where, self.dialect))
                .group_by(*groups)
                .order_by(*(group.asc().nulls_first() for group in groups))
            )

        return self._once(
            ("total", table.name, tuple(columns), _shape(where), tuple(by)), build, ()
        )

    def insert(self, table: Table) -> Statement:
        """A row that is not there; its columns are parameters."""
        return self._once(
            ("insert", table.name),
            # A failed statement would end the whole transaction on Postgres; one that does
            # nothing, and says so, ends it nowhere.
            lambda: insert_into(self.schema.of(table), self.dialect).on_conflict_do_nothing(),
            _names(table),
        )

    def append(self, table: Table) -> Statement:
        """A row that cannot be there."""
        return self._once(
            ("append", table.name), lambda: sa.insert(self.schema.of(table)), _names(table)
        )

    def locked(self, table: Table) -> Statement:
        """Rows whose id is a parameter, held until the transaction ends."""

        def build() -> sa.Select[Any]:
            columns = self.schema.of(table)
            return sa.select(columns).where(columns.c.id == sa.bindparam("id")).with_for_update()

        return self._once(("locked", table.name), build, ())

    def put(self, table: Table) -> Statement:
        """A row, in place of one with its key; its columns are parameters."""

        def build() -> sa.Insert:
            insert = insert_into(self.schema.of(table), self.dialect)
            names = [column.name for column in table.columns if column.name not in table.key]
            if not names:
                return insert.on_conflict_do_nothing(index_elements=list(table.key))
            rest = {name: insert.excluded[name] for name in names}
            return insert.on_conflict_do_update(index_elements=list(table.key), set_=rest)

        return self._once(("put", table.name), build, _names(table))

    def update(self, table: Table, where: Sequence[Primitive]) -> Statement:
        """Rows that match; their new columns, all but the key, are parameters."""

        def build() -> sa.Update:
            columns = self.schema.of(table)
            return sa.update(columns).where(*conditions(columns, where, self.dialect))

        changed = [name for name in _names(table) if name not in table.key]
        return self._once(("update", table.name, _shape(where)), build, changed)

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

    def _once(
        self, shape: Hashable, build: Callable[[], sa.ClauseElement], columns: Sequence[str]
    ) -> Statement:
        """The statement of this shape; `columns` are those that it sets."""
        found = self._written.get(shape)
        if found is None:
            compiled = build().compile(dialect=self._dialect, column_keys=list(columns))
            found = self._written[shape] = Statement(compiled, columns)
        return found


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _shape(where: Sequence[Primitive]) -> Hashable:
    return tuple((name, operator, value is None) for name, operator, value in where)
