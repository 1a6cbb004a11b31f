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
from pileus.storage.table import Kind, Table
from pileus.storage.transaction import Record

Value = Any
"""Of a column, at rest or not: what it is, its `Kind` alone knows."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 2**63 - 1


def encode_record(table: Table, record: Record) -> dict[str, Any]:
    """Every column of `table` as a primitive. Raises ValueError when the record does not fit it."""
    codec = _codec(table)
    if not record.keys() <= codec.names:
        raise ValueError(
            f"table {table.name!r} has no columns {sorted(record.keys() - codec.names)!r}"
        )
    encoded = {}
    for name, may_be_null, to_primitive in codec.encoders:
        value = record.get(name)
        if value is None and not may_be_null:
            raise ValueError(f"column {name!r} of table {table.name!r} is never null")
        encoded[name] = None if value is None else to_primitive(value)
    return encoded


def decode_record(table: Table, primitives: Record) -> Record:
    """A record whose values share nothing with what is stored."""
    [record] = decode_rows(table, [[primitives[column.name] for column in table.columns]])
    return record


def decode_rows(table: Table, rows: Iterable[Sequence[Value]]) -> list[Record]:
    """The same of rows whose primitives are in the order of the table's columns."""
    codec = _codec(table)
    found: list[Record] = []
    for row in rows:
        record = dict(zip(codec.order, row, strict=True))
        for name, from_primitive in codec.decoders:
            value = record[name]
            if value is not None:
                record[name] = from_primitive(value)
        found.append(record)
    return found


def encode(kind: Kind, value: Value) -> Value:
    """The primitive of a value. Raises InvalidRequest for one that no database could keep."""
    return None if value is None else _ENCODE[kind](value)


def decode(kind: Kind, primitive: Value) -> Value:
    """The value of a primitive."""
    from_primitive = _DECODE.get(kind)
    return primitive if primitive is None or from_primitive is None else from_primitive(primitive)


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


_ENCODE: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.TIME: _time,
    Kind.JSON: json.JSONEncoder(separators=(",", ":")).encode,
}

_DECODE: dict[Kind, Callable[[Any], Any]] = {
    Kind.BOOLEAN: bool,
    Kind.TIME: _from_time,
    Kind.JSON: json.loads,
}
"""The other kinds are kept as they are."""


class _Codec:
    """What is done with each column of a table, looked up once: rows are what the server's time goes to."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.order = tuple(column.name for column in table.columns)
        self.names = frozenset(self.order)
        self.encoders = tuple((c.name, c.null, _ENCODE[c.kind]) for c in table.columns)
        self.decoders = tuple((c.name, _DECODE[c.kind]) for c in table.columns if c.kind in _DECODE)


_CODECS: dict[int, _Codec] = {}
"""By the identity of the table, which each holds: to hash one takes as long as to decode a row."""


def _codec(table: Table) -> _Codec:
    found = _CODECS.get(id(table))
    if found is None:
        found = _CODECS[id(table)] = _Codec(table)
    return found
