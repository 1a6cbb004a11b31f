"""Which blobs of a project are named by something: by what lives, or by what may come back."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pileus.security.tombstones import kept_in_project
from pileus.server.deletion.fates import TABLES_BY_NAME
from pileus.server.references import REFERENCES
from pileus.storage.table import Table
from pileus.storage.transaction import Record, Snapshot

_BY_TABLE = {references.table.name: references for references in REFERENCES}


def named_by_the_living(
    snapshot: Snapshot, project: str, among: Collection[str] | None = None
) -> set[str]:
    """Digests that rows of the project name; with `among`, at least those of them."""
    return {
        digest
        for references in REFERENCES
        for digest in references.in_project(snapshot, project, among)
    }


def named_by_the_deleted(snapshot: Snapshot, project: str, but: Collection[str] = ()) -> set[str]:
    """Digests that deleted rows name, except those of the tombstones in `but`."""
    return named_in(
        (table, record)
        for tombstone, table, record in kept_in_project(snapshot, project, TABLES_BY_NAME)
        if tombstone not in but
    )


def named_in(rows: Iterable[tuple[Table, Record]]) -> set[str]:
    """Digests that rows name for as long as they exist, whatever state they are in."""
    return {
        digest
        for table, record in rows
        if (references := _BY_TABLE.get(table.name)) is not None and not references.where
        for digest in references.of(record)
    }
