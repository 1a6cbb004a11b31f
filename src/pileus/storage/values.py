"""Column values at rest: every database keeps, compares and sorts the same primitives.

Times become microseconds and JSON becomes text, so that no database's own idea of either shows.
What a database could not keep as it is (a NUL, 65 bits) is refused here, the same for all three.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from pileus.core.errors import InvalidRequest
from pileus.storage.table import Column, Kind, Table
from pileus.storage.transaction import Record

Value = Any
"""Of a column, at rest or not: what it is, its `Kind` alone knows."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 2**63 - 1


def encode_record(table: Table, record: Record) -> dict[str, Any]:
    """Every column of `table` as a primitive. Raises ValueError when the record does not fit it."""
    unknown = record.keys() - {column.name for column in table.columns}
    if unknown:
        raise ValueError(f"table {table.name!r} has no columns {sorted(unknown)!r}")
    return {column.name: _encode_of(table, column, record) for column in table.columns}


def decode_record(table: Table, primitives: Record) -> dict[str, Any]:
    """A record whose values share nothing with what is stored."""
    return {column.name: decode(column.kind, primitives[column.name]) for column in table.columns}


def decode_rows(table: Table, rows: Iterable[Sequence[Value]]) -> list[Record]:
    """The same of rows whose primitives are in the order of the table's columns."""
    names = [column.name for column in table.columns]
    others = [(column.name, _DECODE[column.kind]) for column in table.columns if _differs(column)]
    found: list[Record] = []
    for row in rows:
        record = dict(zip(names, row, strict=True))
        for name, decoded in others:
            value = record[name]
            if value is not None:
                record[name] = decoded(value)
        found.append(record)
    return found


def _differs(column: Column) -> bool:
    """Whether its values are others than their primitives."""
    return column.kind not in {Kind.TEXT, Kind.INTEGER}


def encode(kind: Kind, value: Value) -> Value:
    """The primitive of a value. Raises InvalidRequest for one that no database could keep."""
    return None if value is None else _ENCODE[kind](value)


def decode(kind: Kind, primitive: Value) -> Value:
    """The value of a primitive."""
    return None if primitive is None else _DECODE[kind](primitive)


def _encode_of(table: Table, column: Column, record: Record) -> Value:
    value = record.get(column.name)
    if value is None and not column.null:
        raise ValueError(f"column {column.name!r} of table {table.name!r} is never null")
    return encode(column.kind, value)


def _text(value: object) -> str:
    plain = value.value if isinstance(value, Enum) else value
    if not isinstance(plain, str):
        raise TypeError(f"{value!r} is not text")
    if "\0" in plain or (not plain.isascii() and not _is_utf8(plain)):
        raise InvalidRequest(
            f"{plain!r} holds a character that cannot be stored",
            hint="Leave out NUL characters and lone surrogates.",
        )
    return plain


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not an integer")
    if not -_LARGEST - 1 <= value <= _LARGEST:
        raise InvalidRequest(
            f"{value!r} does not fit 64 bits", hint=f"The largest number is {_LARGEST}."
        )
    return int(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not a boolean")
    return value


def _time(value: object) -> int:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError(f"{value!r} is not an aware datetime")
    return (value - _EPOCH) // _MICROSECOND


def _from_time(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


_ENCODE: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.TIME: _time,
    Kind.JSON: _json,
}

_DECODE: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.BOOLEAN: bool,
    Kind.TIME: _from_time,
    Kind.JSON: json.loads,
}
