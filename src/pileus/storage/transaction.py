"""
The one transaction that spans stores: leases, ledger and audit commit together or not at all.

A store's method takes a `Transaction` (or a `Snapshot`, when it only reads) as its first argument
and speaks rows: mappings from column to value. Three implementations keep the same contract:
memory, SQLite, Postgres (`tests/contract/test_transactions.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from pileus.storage.table import Table

Record = Mapping[str, Any]
"""One row, as column → value. Times are aware datetimes in UTC; JSON columns hold JSON values."""

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in"]
Condition = tuple[str, Operator, Any]
Where = Sequence[Condition]
"""Conditions, all of which must hold. `("x", "=", None)` and `("x", "!=", None)` test for null;
`in` takes a sequence, and an empty one matches nothing."""


@dataclass(frozen=True)
class Change:
    """One entry of the change feed."""

    seq: int
    project: str
    noun: str
    id: str
    rev: int
    about: str | None = field(default=None, compare=False)
    """What the row has in the column that its table's `about` names, where this process wrote it: the
    feed itself does not tell."""


class Snapshot(Protocol):
    """Reads of one consistent state."""

    @property
    def now(self) -> datetime:
        """The database's clock at the start; leases and expiry are judged by it."""
        ...

    def find(
        self,
        table: Table,
        where: Where = (),
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> list[Record]:
        """Rows that match, ordered by the named columns; `-name` descends."""
        ...

    def get(self, table: Table, **key: Any) -> Record | None:
        """The one row whose columns equal `key` (a primary or unique key), or None."""
        ...

    def total(
        self, table: Table, columns: Sequence[str], where: Where = (), *, by: Sequence[str] = ()
    ) -> list[Record]:
        """Sums of integer `columns` (0 for none) and `count`, one record per distinct `by`,
        ordered by `by`. Without `by`, exactly one record."""
        ...

    def changes(self, after: int, *, limit: int = 1000) -> list[Change]:
        """Feed entries with `seq > after`, in order."""
        ...

    def last_change(self) -> int:
        """The highest `seq` so far; 0 when there is none."""
        ...


class Transaction(Snapshot, Protocol):
    """Reads and writes that commit together. Reads see the transaction's own writes."""

    def insert(self, table: Table, record: Record) -> None:
        """Add a row. Raises Duplicate when its key or a unique constraint is taken.

        After a Duplicate the transaction goes on as if the insert had not been tried.
        """
        ...

    def swap(self, table: Table, record: Record, *, also: Where = ()) -> None:
        """Compare-and-swap: replace the row with this key if its `rev` is still `record["rev"]`
        and `also` holds (a lease token, say); its rev goes up by one.
        Raises Stale when another writer was first or the row is gone.
        """
        ...

    def put(self, table: Table, record: Record) -> None:
        """Insert or replace by primary key. Only for tables without a `rev` column."""
        ...

    def delete(self, table: Table, where: Where) -> int:
        """Remove matching rows; how many."""
        ...

    def trim_changes(self, keep: int) -> int:
        """Forget all entries of the feed but the newest `keep`, at least one; how many went.

        Numbers go on, so a reader that was further behind meets a gap and knows.
        """
        ...
