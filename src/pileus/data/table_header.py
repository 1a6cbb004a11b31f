"""Names of the columns of a table: each has one, once, and the first line is not a row."""

from __future__ import annotations

from pileus.core.composing import composed
from pileus.data.cells import number
from pileus.data.errors import TableDamaged
from pileus.data.sources.source import Row

_NAMES_FIRST = (
    "If the first line is a row, name the columns with --columns a,b,c,"
    " or add --no-header to have them numbered."
)


def header(row: Row | None, where: str) -> list[str]:
    """The names, in NFC. Raises TableDamaged."""
    if row is None:
        raise TableDamaged(f"{where!r} is empty", hint="Give a table with a header and rows.")
    written = [name.strip() for name in row.cells]
    names = [composed(name) for name in written]
    place = f"{where!r}, line {row.line}" if row.line else f"{where!r}"
    if len(names) < 2:
        raise TableDamaged(
            f"{place}: one column only, {names!r}",
            hint="A table needs a label and a feature, divided by comma, semicolon or tab.",
        )
    if "" in names:
        raise TableDamaged(
            f"{place}: column {names.index('') + 1} of {len(names)} has no name",
            hint="Name it in the first line, or remove the column.",
        )
    numeric = any(number(name) is not None for name in names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        spelled = len(set(written)) == len(written)
        accents = "; they differ only in how accents are encoded" if spelled else ""
        raise TableDamaged(
            f"{place}: columns {twice!r} are there more than once{accents}",
            hint=_NAMES_FIRST if numeric else "Give each column a name of its own.",
        )
    if all(number(name) is not None for name in names):
        raise TableDamaged(
            f"{place}: numbers where the names of columns should be", hint=_NAMES_FIRST
        )
    return names


def refuse_row_as_header(names: list[str], label: str, where: str) -> None:
    """For a `label` in the header that other rows have as theirs. Raises TableDamaged."""
    numbers = [name for name in names if number(name) is not None]
    if numbers:
        raise TableDamaged(
            f"{where!r}, line 1: {label!r} is a label, and {numbers[0]!r} a number,"
            " where the names of columns should be",
            hint=_NAMES_FIRST,
        )
