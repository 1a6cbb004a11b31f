"""A database in memory: the contract at its plainest, for tests and simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pileus.core.clock import Clock, SystemClock
from pileus.storage import rules
from pileus.storage.databases.memory_rows import MemoryRows, matches, sort, totals
from pileus.storage.databases.wakes import Wakes
from pileus.storage.errors import DatabaseUnavailable
from pileus.storage.table import Table
from pileus.storage.transaction import Change, Record, Snapshot, Transaction, Where
from pileus.storage.values import decode_record, encode_record
from pileus.storage.writes import Writes

T = TypeVar("T")


class MemoryDatabase:
    """Units of work run at once, in the event loop; nothing is left when the object is gone."""

    def __init__(self, tables: Iterable[Table], clock: Clock | None = None) -> None:
        self._rows = {name: MemoryRows(t) for name, t in rules.catalog(tables).items()}
        self._changes: list[Change] = []
        self._clock = clock or SystemClock()
        self._wakes = Wakes()
        self.writes = Writes()
        self._is_open = False

    async def start(self) -> None:
        self._is_open = True

    async def close(self) -> None:
        self._is_open = False

    async def write(self, work: Callable[[Transaction], T]) -> T:
        transaction = self._transaction()
        try:
            result = work(transaction)
        except BaseException:
            transaction.roll_back()
            raise
        self._wakes.advance(last_of(self._changes))
        return result

    async def jot(self, work: Callable[[Transaction], T]) -> T:
        return await self.write(work)

    async def read(self, work: Callable[[Snapshot], T]) -> T:
        return work(self._transaction())

    async def glance(self, work: Callable[[Snapshot], T]) -> T:
        return await self.read(work)

    def recent(self, after: int) -> list[Change] | None:
        first = self._changes[0].seq if self._changes else 1
        return self._changes[after + 1 - first :] if after + 1 >= first else None

    async def wait(self, after: int, timeout: float) -> int:  # noqa: ASYNC109  the Protocol's
        return await self._wakes.wait(after, timeout, self._last)

    async def _last(self) -> int:
        return last_of(self._changes)

    def _transaction(self) -> MemoryTransaction:
        if not self._is_open:
            raise DatabaseUnavailable("The database is closed", hint="Start it first.")
        return MemoryTransaction(self._rows, self._changes, self._clock.now())


class MemoryTransaction:
    """Changes rows in place and remembers how to take each change back."""

    def __init__(self, rows: dict[str, MemoryRows], changes: list[Change], now: datetime) -> None:
        self._rows = rows
        self._changes = changes
        self._first_change = len(changes)
        self._now = now
        self._undo: list[Callable[[], None]] = []

    @property
    def now(self) -> datetime:
        return self._now

    def find(
        self,
        table: Table,
        where: Where = (),
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> list[Record]:
        found = self._matching(table, where)
        sort(found, rules.complete_order(table, order, limit))
        return [decode_record(table, row) for row in found[:limit]]

    def get(self, table: Table, **key: Any) -> Record | None:
        found = self._matching(table, rules.one_row(table, key))
        return decode_record(table, found[0]) if found else None

    def total(
        self, table: Table, columns: Sequence[str], where: Where = (), *, by: Sequence[str] = ()
    ) -> list[Record]:
        return totals(table, self._matching(table, where), columns, by)

    def changes(self, after: int, *, limit: int = 1000) -> list[Change]:
        first = self._changes[0].seq if self._changes else 1
        start = max(after + 1 - first, 0)
        return self._changes[start : start + limit]

    def last_change(self) -> int:
        return last_of(self._changes)

    def insert(self, table: Table, record: Record) -> None:
        row = encode_record(table, record)
        rows = self._rows[table.name]
        if rows.is_taken(row):
            raise rules.duplicate(table, record)
        self._set(rows, rows.key(row), row)
        self._append(table, row)

    def swap(self, table: Table, record: Record, *, also: Where = ()) -> None:
        rules.changes_by_swap(table)
        row = encode_record(table, record)
        rows = self._rows[table.name]
        old = rows.by_key.get(rows.key(row))
        conditions = [("rev", "=", row["rev"]), *rules.primitives(table, also)]
        if old is None or not matches(old, conditions):
            raise rules.stale(table, record)
        row["rev"] += 1
        if rows.is_taken(row, but=old):
            raise rules.duplicate(table, record)
        self._set(rows, rows.key(row), row)
        self._append(table, row)

    def put(self, table: Table, record: Record) -> None:
        rules.changes_by_put(table)
        row = encode_record(table, record)
        rows = self._rows[table.name]
        if rows.is_taken(row, but=rows.by_key.get(rows.key(row))):
            raise rules.duplicate(table, record)
        self._set(rows, rows.key(row), row)

    def delete(self, table: Table, where: Where) -> int:
        rows = self._rows[table.name]
        gone = self._matching(table, where)
        sort(gone, [(name, False) for name in table.key])
        for row in gone:
            self._set(rows, rows.key(row), None)
            self._append(table, row, ahead=1)
        return len(gone)

    def trim_changes(self, keep: int) -> int:
        old = self._changes[: -max(keep, 1)]
        del self._changes[: len(old)]
        self._undo.append(lambda: self._changes.__setitem__(slice(0, 0), old))
        return len(old)

    def roll_back(self) -> None:
        """Leave everything as it was before the first change."""
        while self._undo:
            self._undo.pop()()
        del self._changes[self._first_change :]

    def _matching(self, table: Table, where: Where) -> list[dict[str, Any]]:
        conditions = rules.primitives(table, where)
        return [row for row in self._rows[table.name].by_key.values() if matches(row, conditions)]

    def _set(self, rows: MemoryRows, key: tuple[Any, ...], row: dict[str, Any] | None) -> None:
        old = rows.by_key.get(key)
        rows.set(key, row)
        self._undo.append(lambda: rows.set(key, old))

    def _append(self, table: Table, row: dict[str, Any], ahead: int = 0) -> None:
        if table.has_rev:
            seq = last_of(self._changes) + 1
            self._changes.append(
                Change(
                    seq,
                    row["project"],
                    table.noun,
                    row["id"],
                    row["rev"] + ahead,
                    table.about and row[table.about],
                )
            )


def last_of(changes: list[Change]) -> int:
    """The highest `seq`; trimming leaves at least the newest entry, so it is never lost."""
    return changes[-1].seq if changes else 0
