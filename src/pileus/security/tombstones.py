"""Buries rows and brings them back: a deleted row leaves its table whole and waits for its grace.

Nothing that reads a table meets what was deleted, and names are free at once. Which rows belong to
a noun, and whether it may go, is decided above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic_core import to_jsonable_python

from pileus.core.ids import NewId
from pileus.core.schemas.deletion import Tombstone
from pileus.core.schemas.tenancy import Caller
from pileus.security.errors import CannotReturn
from pileus.security.store import tombstones
from pileus.security.tables import KEPT_ROWS
from pileus.storage.errors import Duplicate
from pileus.storage.table import Table
from pileus.storage.transaction import Condition, Record, Snapshot, Transaction
from pileus.storage.values import decode_record, encode_record

Rows = Sequence[tuple[Table, Record]]


@dataclass(frozen=True)
class Burial:
    """A noun that goes: its rows, and what is said of it for good."""

    noun: str
    subject: str
    name: str
    rows: Rows
    digests: tuple[str, ...] = ()
    lineage: Mapping[str, Any] = field(default_factory=dict)
    container: str | None = None
    children: tuple[Burial, ...] = ()
    """Nouns that go with it, each with a tombstone of its own."""

    @property
    def all_rows(self) -> Rows:
        return [*self.rows, *(row for child in self.children for row in child.all_rows)]


class Tombstones:
    """Writes and reads what is left of things deleted."""

    def __init__(self, new_id: NewId, grace: timedelta) -> None:
        self._new_id = new_id
        self._grace = grace

    def bury(
        self,
        transaction: Transaction,
        caller: Caller,
        burial: Burial,
        *,
        now: bool,
        parent: str | None = None,
    ) -> Tombstone:
        """Take the rows away and leave a tombstone; `now` gives it no grace."""
        tombstone = tombstones.insert(
            transaction,
            Tombstone(
                id=self._new_id("tmb"),
                project=caller.project,
                created_at=transaction.now,
                noun=burial.noun,
                subject=burial.subject,
                name=burial.name,
                container=burial.container,
                parent=parent,
                digests=burial.digests,
                deleted_by=caller.principal,
                deleted_by_name=caller.principal_name,
                kept_until=transaction.now + (timedelta(0) if now else self._grace),
                lineage=to_jsonable_python(burial.lineage),
            ),
        )
        for number, (table, record) in enumerate(burial.rows):
            transaction.delete(table, _key(table, record))
            transaction.insert(
                KEPT_ROWS,
                {
                    "tombstone": tombstone.id,
                    "number": number,
                    "project": record.get("project") or caller.project,
                    "table_name": table.name,
                    "record": encode_record(table, record),
                },
            )
        for child in burial.children:
            self.bury(transaction, caller, child, now=now, parent=tombstone.id)
        return tombstone

    def bring_back(
        self, transaction: Transaction, tombstone: Tombstone, tables: Mapping[str, Table]
    ) -> list[tuple[Table, Record]]:
        """Put the rows where they were, and forget the tombstone. Raises CannotReturn."""
        rows = kept_rows(transaction, tombstone.id, tables)
        for table, record in rows:
            # Readers of the feed have seen the deletion, which was one rev further.
            back = {**record, "rev": record["rev"] + 2} if table.has_rev else record
            try:
                transaction.insert(table, back)
            except Duplicate as error:
                raise CannotReturn(
                    f"{tombstone.noun} {tombstone.name!r} cannot come back: {error.message}",
                    hint="Delete what has taken its place, then undelete again.",
                ) from error
        transaction.delete(KEPT_ROWS, [("tombstone", "=", tombstone.id)])
        transaction.delete(tombstones.table, [("id", "=", tombstone.id)])
        for child in children_of(transaction, tombstone.id):
            rows.extend(self.bring_back(transaction, child, tables))
        return rows

    def collect(self, transaction: Transaction, tombstone: Tombstone) -> None:
        """Forget the rows of one whose grace is over; the tombstone stays. Twice is once."""
        found = tombstones.get(transaction, id=tombstone.id)
        if found is None or found.collected_at is not None:
            return
        transaction.delete(KEPT_ROWS, [("tombstone", "=", found.id)])
        update = {"collected_at": transaction.now}
        tombstones.swap(transaction, found.model_copy(update=update))


def mark_gone(
    transaction: Transaction, caller: Caller, identifier: str, noun: str, subject: str, name: str
) -> Tombstone:
    """A tombstone, with this id, of what is removed at once and has no way back."""
    return tombstones.insert(
        transaction,
        Tombstone(
            id=identifier,
            project=caller.project,
            created_at=transaction.now,
            noun=noun,
            subject=subject,
            name=name,
            deleted_by=caller.principal,
            deleted_by_name=caller.principal_name,
            kept_until=transaction.now,
            collected_at=transaction.now,
        ),
    )


def children_of(snapshot: Snapshot, parent: str) -> list[Tombstone]:
    """What went with a deletion."""
    return tombstones.find(snapshot, [("parent", "=", parent)], order=["id"])


def kept_rows(
    snapshot: Snapshot, tombstone: str, tables: Mapping[str, Table]
) -> list[tuple[Table, Record]]:
    """Rows that wait under a tombstone."""
    found = snapshot.find(KEPT_ROWS, [("tombstone", "=", tombstone)], order=["number"])
    return [_decoded(record, tables) for record in found]


def kept_in_project(
    snapshot: Snapshot, project: str, tables: Mapping[str, Table]
) -> list[tuple[str, Table, Record]]:
    """Rows of a project that wait, with the tombstone of each."""
    found = snapshot.find(KEPT_ROWS, [("project", "=", project)])
    return [(str(record["tombstone"]), *_decoded(record, tables)) for record in found]


def _decoded(kept: Record, tables: Mapping[str, Table]) -> tuple[Table, Record]:
    table = tables[kept["table_name"]]
    primitives = {c.name: kept["record"].get(c.name, c.default) for c in table.columns}
    return table, decode_record(table, primitives)


def _key(table: Table, record: Record) -> list[Condition]:
    return [(name, "=", record[name]) for name in table.key]
