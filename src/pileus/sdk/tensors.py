"""Rows and arrays as a request of the Open Inference Protocol. No I/O."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pileus.core.errors import InvalidRequest

MISSING_CODE = -1.0
"""Code of a category that training has not seen, or that is missing."""


def read_rows(name: str, content: bytes) -> Any:  # noqa: ANN401  JSON is any value
    """Rows of a CSV file with a header, or the value of a JSON file. Raises InvalidRequest."""
    try:
        text = content.decode("utf-8-sig")
        if name.lower().endswith(".csv"):
            return _csv_rows(name, text)
        return json.loads(text)
    except (ValueError, csv.Error) as error:
        raise InvalidRequest(
            f"{name!r} cannot be read: {error}", hint="Give UTF-8 CSV with a header, or JSON."
        ) from error


def has_names(values: Any) -> bool:  # noqa: ANN401  array or rows
    """Whether rows say which value belongs to which column."""
    if isinstance(values, Sequence) and values and not isinstance(values, str):
        values = values[0]
    return isinstance(values, Mapping)


def by_column(values: Any, columns: Sequence[Mapping[str, Any]]) -> list[list[float | None]]:  # noqa: ANN401
    """Rows in the order of the model's columns, categories as codes. Raises InvalidRequest."""
    if not columns:
        raise InvalidRequest(
            "What the endpoint serves has no named columns",
            hint="Give each row as a list of numbers, or an image.",
        )
    rows = [values] if isinstance(values, Mapping) else values
    return [_codes(row, columns) for row in rows]


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


def _csv_rows(name: str, text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    width = len(reader.fieldnames or ())
    rows = []
    for row in reader:
        cells = [cell for column, cell in row.items() if column is not None and cell is not None]
        if None in row or len(cells) != width:
            found = len(cells) + len(row.get(None, ()))
            raise InvalidRequest(
                f"{name!r}, line {reader.line_num}: {found} cells for {width} columns",
                hint="Correct the line; a cell that holds a comma needs double quotes.",
            )
        rows.append(row)
    return rows


def _codes(row: Mapping[str, Any], columns: Sequence[Mapping[str, Any]]) -> list[float | None]:
    lost = [column["name"] for column in columns if column["name"] not in row]
    if lost:
        # A misspelt name would otherwise be a missing value, and its answer a plausible one.
        raise InvalidRequest(
            f"The row lacks the model's columns {lost}; it has {sorted(map(str, row))}",
            hint=f"Name columns as in training: {', '.join(c['name'] for c in columns)}."
            " A value that is not known is an empty cell, or null.",
        )
    return [_code(row[column["name"]], column) for column in columns]


def _code(value: Any, column: Mapping[str, Any]) -> float | None:  # noqa: ANN401  a cell
    if column["type"] == "category":
        known = list(column.get("values") or ())
        text = "" if value is None else str(value)
        return float(known.index(text)) if text in known else MISSING_CODE
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InvalidRequest(
            f"{value!r} in column {column['name']!r} is not a number",
            hint="Leave the cell empty when the value is missing.",
        ) from error


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
