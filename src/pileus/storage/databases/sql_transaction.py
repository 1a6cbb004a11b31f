"""Snapshots and transactions over one SQL connection; SQLite and Postgres share every line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pileus.storage import rules
from pileus.storage.databases.sql_query import conditions
from pileus.storage.databases.sql_statements import Statement, Statements
from pileus.storage.table import Table
from pileus.storage.tables import CHANGES, FEED, FEED_ROW
from pileus.storage.transaction import Change, Condition, Record, Where
from pileus.storage.values import decode, decode_rows, encode_record

Now = Callable[[sa.Connection], datetime]


@dataclass
class Feed:
    """The change feed in the transaction that holds its row."""

    before: int
    """How far it had come."""

    changes: list[Change] = field(default_factory=list)

    @property
    def seq(self) -> int:
        """How far it has come."""
        return self.before + len(self.changes)


class SqlSnapshot:
    """Reads on a connection whose transaction sees one state."""

    def __init__(self, connection: sa.Connection, statements: Statements, now: Now) -> None:
        self._connection = connection
        self._statements = statements
        self._schema = statements.schema
        self._ask_now = now
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        if self._now is None:
            self._now = self._ask_now(self._connection)
        return self._now

    def find(
        self,
        table: Table,
        where: Where = (),
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> list[Record]:
        wanted = rules.primitives(table, where)
        query = self._statements.find(table, wanted, order, limit)
        found = query.rows(self._connection, self._statements.parameters(wanted, limit))
        return decode_rows(table, found)

    def get(self, table: Table, **key: Any) -> Record | None:
        where = rules.primitives(table, rules.one_row(table, key))
        query = self._statements.find(table, where)
        found = query.rows(self._connection, self._statements.parameters(where))
        return next(iter(decode_rows(table, found)), None)

    def total(
        self, table: Table, columns: Sequence[str], where: Where = (), *, by: Sequence[str] = ()
    ) -> list[Record]:
        wanted = rules.primitives(table, where)
        query = self._statements.total(table, columns, wanted, by)
        found = query.rows(self._connection, self._statements.parameters(wanted))
        names = (*by, *columns, "count")
        return [
            {
                # Postgres sums to a Decimal.
                name: decode(table.column(name).kind, value) if name in by else int(value)
                for name, value in zip(names, row, strict=True)
            }
            for row in found
        ]

    def changes(self, after: int, *, limit: int = 1000) -> list[Change]:
        found = self.find(CHANGES, [("seq", ">", after)], order=["seq"], limit=limit)
        return [Change(**record) for record in found]

    def last_change(self) -> int:
        record = self.get(FEED, id=FEED_ROW)
        return 0 if record is None else int(record["seq"])


class SqlTransaction(SqlSnapshot):
    """Reads and writes of one unit of work."""

    def __init__(
        self, connection: sa.Connection, statements: Statements, now: Now, feed: Feed
    ) -> None:
        super().__init__(connection, statements, now)
        self._feed = feed
        self._pending: list[Change] = []

    def changes(self, after: int, *, limit: int = 1000) -> list[Change]:
        self.flush()
        return super().changes(after, limit=limit)

    def last_change(self) -> int:
        return self._feed.seq

    def insert(self, table: Table, record: Record) -> None:
        row = encode_record(table, record)
        if self._statements.insert(table).run(self._connection, row) == 0:
            raise rules.duplicate(table, record)
        self._append(table, row)

    def swap(self, table: Table, record: Record, *, also: Where = ()) -> None:
        rules.changes_by_swap(table)
        row = encode_record(table, record)
        seen: list[Condition] = [(name, "=", record[name]) for name in (*table.key, "rev")]
        where = rules.primitives(table, [*seen, *also])
        row["rev"] += 1
        changed = {name: value for name, value in row.items() if name not in table.key}
        statement = self._statements.update(table, where)
        parameters = {**changed, **self._statements.parameters(where)}
        if self._guarded(table, record, statement, parameters) == 0:
            raise rules.stale(table, record)
        self._append(table, row)

    def put(self, table: Table, record: Record) -> None:
        rules.changes_by_put(table)
        row = encode_record(table, record)
        self._guarded(table, record, self._statements.put(table), row)

    def delete(self, table: Table, where: Where) -> int:
        columns = self._schema.of(table)
        wanted = rules.primitives(table, where)
        statement = sa.delete(columns).where(*conditions(columns, wanted, self._statements.dialect))
        parameters = self._statements.parameters(wanted)
        if not table.has_rev:
            return self._connection.execute(statement, parameters).rowcount
        removed = self._connection.execute(statement.returning(columns), parameters)
        gone = [row._asdict() for row in removed]
        for row in sorted(gone, key=lambda row: [row[name] for name in table.key]):
            self._append(table, row, ahead=1)
        return len(gone)

    def trim_changes(self, keep: int) -> int:
        self.flush()
        columns = self._schema.of(CHANGES)
        old = sa.delete(columns).where(columns.c.seq <= self._feed.seq - max(keep, 1))
        return self._connection.execute(old).rowcount

    def flush(self) -> None:
        """Write the feed entries of what was changed so far."""
        if not self._pending:
            return
        names = [column.name for column in CHANGES.columns]
        entries = [{name: getattr(change, name) for name in names} for change in self._pending]
        self._statements.append(CHANGES).run_all(self._connection, entries)
        self._pending = []

    def _guarded(
        self, table: Table, record: Record, statement: Statement, parameters: Record
    ) -> int:
        """Rows touched. Raises Duplicate, after which the transaction goes on."""
        if not table.unique:
            return statement.run(self._connection, parameters)
        try:
            with self._surviving_a_failure():
                return statement.run(self._connection, parameters)
        except sa.exc.IntegrityError as error:
            raise rules.duplicate(table, record) from error

    def _surviving_a_failure(self) -> AbstractContextManager[object]:
        # On SQLite a failed statement undoes itself and no more, and a savepoint costs twice what
        # the statement does.
        is_whole = self._statements.dialect == "sqlite"
        return nullcontext() if is_whole else self._connection.begin_nested()

    def _append(self, table: Table, row: Record, ahead: int = 0) -> None:
        if table.has_rev:
            change = Change(
                self._feed.seq + 1,
                row["project"],
                table.noun,
                row["id"],
                row["rev"] + ahead,
                table.about and row[table.about],
            )
            self._feed.changes.append(change)
            self._pending.append(change)
