"""Rows and arrays as a request of the Open Inference Protocol. No I/O."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pileus.core.errors import InvalidRequest


def read_json(name: str, content: bytes) -> Any:  # noqa: ANN401  JSON is any value
    """The value of a JSON file. Raises InvalidRequest."""
    try:
        return json.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        raise InvalidRequest(
            f"{name!r} cannot be read: {error}", hint="Give UTF-8 JSON."
        ) from error


def json_of(rows: Any) -> bytes:  # noqa: ANN401  a row, or rows
    """Rows by column as JSON: numbers of whatever library as numbers, NaN as null.

    Raises InvalidRequest.
    """
    try:
        plain = [
            {name: _plain(value) for name, value in row.items()}
            for row in ([rows] if isinstance(rows, Mapping) else rows)
        ]
        return json.dumps(plain, allow_nan=False).encode()
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidRequest(
            f"The rows cannot be sent: {error}",
            hint="Each names its columns; values are numbers and text, None where one is missing.",
        ) from error


def has_names(values: Any) -> bool:  # noqa: ANN401  array or rows
    """Whether rows say which value belongs to which column."""
    if isinstance(values, Sequence) and values and not isinstance(values, str):
        values = values[0]
    return isinstance(values, Mapping)


def request_of(values: Any, expected: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """An array, or rows of numbers, as the input that `expected` describes.

    Raises InvalidRequest.
    """
    if hasattr(values, "tolist"):
        values = values.tolist()
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise InvalidRequest(
            f"{values!r} is not rows", hint="Give rows: lists of numbers, or names with values."
        )
    if not values:
        raise InvalidRequest("There is no row to ask about", hint="Give at least one.")
    if not isinstance(values[0], Sequence):
        values = [values]
    shape = _shape(values)
    data = _flat(values)
    if not data or math.prod(shape) != len(data):
        raise InvalidRequest(
            f"{len(data)} values do not fill the shape {shape}",
            hint="Give rows of equal length, at least one.",
        )
    one = {"name": expected["name"], "shape": shape, "datatype": expected["datatype"], "data": data}
    return {"inputs": [one]}


def _plain(value: Any) -> Any:  # noqa: ANN401  of whatever library
    if value is None or isinstance(value, str | int):
        return value
    number = value.item() if hasattr(value, "item") else float(value)
    # NaN is what pandas has for a missing value.
    return None if isinstance(number, float) and math.isnan(number) else number


def _shape(values: Any) -> list[int]:  # noqa: ANN401  nested lists
    shape: list[int] = []
    while isinstance(values, Sequence) and not isinstance(values, str):
        shape.append(len(values))
        if not values:
            break
        values = values[0]
    return shape


def _flat(values: Any) -> list[Any]:  # noqa: ANN401  nested lists
    if not isinstance(values, Sequence) or isinstance(values, str):
        return [values]
    return [one for part in values for one in _flat(part)]
