"""Which columns name blobs: what collection asks each table before it removes one.

A package declares its tables beside them; the server has the one list of all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pileus.storage.table import Kind, Table
from pileus.storage.transaction import Condition, Record, Snapshot, Where

_DIGEST_LENGTH = 64


@dataclass(frozen=True)
class References:
    """Columns of `table` that hold digests: as text, or in JSON under the name `digest`.

    Only rows that meet `where` count.
    """

    table: Table
    columns: tuple[str, ...]
    where: Where = ()

    def of(self, record: Record) -> Iterator[str]:
        """Digests that one row names."""
        for column in self.columns:
            yield from _digests(record.get(column))

    def in_project(
        self, snapshot: Snapshot, project: str, among: Collection[str] | None = None
    ) -> Iterator[str]:
        """Digests that the rows of a project name; with `among`, at least those of them.

        A table with a row per file may be long, and the database finds a text by itself.
        """
        where: list[Condition] = [("project", "=", project), *self.where]
        if among is None or any(self.table.column(c).kind is not Kind.TEXT for c in self.columns):
            queries = [where]
        else:
            queries = [[*where, (column, "in", list(among))] for column in self.columns]
        for query in queries:
            for record in snapshot.find(self.table, query):
                yield from self.of(record)


def _digests(value: Any) -> Iterator[str]:  # noqa: ANN401  a column's value
    if isinstance(value, str):
        if len(value) == _DIGEST_LENGTH:
            yield value
    elif isinstance(value, Mapping):
        yield from _digests(value.get("digest"))
        for inner in value.values():
            if isinstance(inner, Mapping | list | tuple):
                yield from _digests(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            if isinstance(inner, Mapping | list | tuple):
                yield from _digests(inner)
