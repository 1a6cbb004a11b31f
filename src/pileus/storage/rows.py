"""Typed rows: a schema of `core` on a table, so that a store reads and writes nouns, not mappings."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from pileus.storage.table import Kind, Table
from pileus.storage.transaction import Record, Snapshot, Transaction, Where

M = TypeVar("M", bound=BaseModel)


class Rows(Generic[M]):
    """Rows of `table` as values of `model`; fields and columns have the same names."""

    def __init__(self, table: Table, model: type[M]) -> None:
        self.table = table
        self._model = model
        self._json = {c.name for c in table.columns if c.kind is Kind.JSON}
        self._plain = {c.name for c in table.columns} - self._json

    def get(self, snapshot: Snapshot, **key: Any) -> M | None:
        """The one row with this key, or None."""
        record = snapshot.get(self.table, **key)
        return None if record is None else self._model.model_validate(record)

    def find(
        self,
        snapshot: Snapshot,
        where: Where = (),
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> list[M]:
        """Rows that match, as values."""
        found = snapshot.find(self.table, where, order=order, limit=limit)
        return [self._model.model_validate(record) for record in found]

    def insert(self, transaction: Transaction, value: M) -> M:
        """Add a row. Raises Duplicate."""
        transaction.insert(self.table, self._record(value))
        return value

    def swap(self, transaction: Transaction, value: M, *, also: Where = ()) -> M:
        """Replace the row if its `rev` is still the value's. Raises Stale. Returns the new value."""
        record = self._record(value)
        transaction.swap(self.table, record, also=also)
        return value.model_copy(update={"rev": record["rev"] + 1})

    def put(self, transaction: Transaction, value: M) -> M:
        """Insert or replace; for tables without a `rev`."""
        transaction.put(self.table, self._record(value))
        return value

    def _record(self, value: M) -> Record:
        record = {
            name: field.value if isinstance(field, Enum) else field
            for name, field in value.model_dump(mode="python", include=self._plain).items()
        }
        record.update(value.model_dump(mode="json", include=self._json, by_alias=True))
        return record
