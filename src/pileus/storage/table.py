"""What a table is, said once: the memory store, SQLite and Postgres are all built from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Kind(StrEnum):
    """Type of a column. Python values: str, int, bool, aware datetime (UTC), JSON values."""

    TEXT = "text"
    INTEGER = "integer"  #: 64 bits
    BOOLEAN = "boolean"
    TIME = "time"  #: microseconds, UTC
    JSON = "json"  #: never billed, filtered or sorted by


@dataclass(frozen=True)
class Column:
    """One column; `null` says that it may be None."""

    name: str
    kind: Kind
    null: bool = False
    default: int | None = None
    """What rows that were kept from before there was the column have in it."""


@dataclass(frozen=True)
class Table:
    """A noun's rows.

    `key` is the primary key; `unique` and `index` are tuples of column names. A table with a
    `rev` column changes only by compare-and-swap. `noun` names it in the change feed.
    """

    name: str
    noun: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    index: tuple[tuple[str, ...], ...] = ()
    about: str | None = None
    """A column of text that a change is told with, so that many may wait each for their own rows."""

    def column(self, name: str) -> Column:
        """The column called `name`. Raises KeyError."""
        column = self._by_name.get(name)
        if column is None:
            raise KeyError(f"table {self.name!r} has no column {name!r}")
        return column

    @cached_property
    def has_rev(self) -> bool:
        """Whether rows change by compare-and-swap only, and every change is in the feed."""
        return "rev" in self._by_name

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}


def text(name: str, *, null: bool = False) -> Column:
    return Column(name, Kind.TEXT, null)


def integer(name: str, *, null: bool = False, default: int | None = None) -> Column:
    return Column(name, Kind.INTEGER, null, default)


def boolean(name: str, *, null: bool = False) -> Column:
    return Column(name, Kind.BOOLEAN, null)


def time(name: str, *, null: bool = False) -> Column:
    return Column(name, Kind.TIME, null)


def json(name: str, *, null: bool = False) -> Column:
    return Column(name, Kind.JSON, null)


def row_columns() -> tuple[Column, ...]:
    """The columns of every noun: id, project, rev, created_at."""
    return (text("id"), text("project"), integer("rev"), time("created_at"))
