"""
Rows as people have them, with names and words, as the tensor that a model of tables takes.

A row names every column of the training, in any order; what else it names is passed over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from pileus.inference.errors import InvalidTensor

if TYPE_CHECKING:
    from pileus.inference.bundle import Bundle, Column

MISSING_CODE = -1.0
"""Code of a category that training has not seen, or that is missing."""

_HINT = "Send a JSON object that names each column, an array of such objects, or CSV with a header."


class RowsTensor(NamedTuple):
    """Rows as a request's tensor."""

    name: str
    datatype: str
    shape: Sequence[int]
    data: Sequence[float | None]


def takes_rows(bundle: Bundle) -> bool:
    """Whether the model's only input is rows of named columns."""
    return len(bundle.inputs) == 1 and bool(bundle.inputs[0].columns)


def tensor_of_csv(bundle: Bundle, content: bytes) -> RowsTensor:
    """The rows of a CSV file with a header. Raises InvalidTensor."""
    columns = _columns_of(bundle)
    try:
        rows = _csv_rows(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidTensor(
            f"The body is not CSV: {error}", hint="Send UTF-8 with a header."
        ) from error
    return _tensor(bundle, columns, rows)


def tensor_of_json(bundle: Bundle, content: bytes) -> RowsTensor:
    """The rows of a JSON object, or of an array of them. Raises InvalidTensor."""
    columns = _columns_of(bundle)
    try:
        rows = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidTensor(f"The body is not JSON: {error}", hint=_HINT) from error
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidTensor("The body is neither a row nor an array of rows", hint=_HINT)
    return _tensor(bundle, columns, rows)


def _columns_of(bundle: Bundle) -> tuple[Column, ...]:
    columns = bundle.inputs[0].columns
    if not takes_rows(bundle) or columns is None:
        raise InvalidTensor(
            f"The model takes {[one.name for one in bundle.inputs]!r}, not rows of named columns",
            hint="Send JSON tensors with 'Content-Type: application/json'.",
        )
    return columns


def _tensor(
    bundle: Bundle, columns: tuple[Column, ...], rows: Sequence[Mapping[str, Any]]
) -> RowsTensor:
    if not rows:
        raise InvalidTensor("There is no row to ask about", hint="Send at least one.")
    codes = [
        {value: float(code) for code, value in enumerate(column.values or ())} for column in columns
    ]
    data: list[float | None] = []
    for row in rows:
        lost = [column.name for column in columns if column.name not in row]
        if lost:
            # A misspelt name would otherwise be a missing value, and its answer a plausible one.
            raise InvalidTensor(
                f"The row lacks the model's columns {lost}; it has {sorted(row)}",
                hint=f"Name columns as in training: {', '.join(c.name for c in columns)}."
                " A value that is not known is an empty cell, or null.",
            )
        data += [
            _cell(row[column.name], column, known)
            for column, known in zip(columns, codes, strict=True)
        ]
    spec = bundle.inputs[0]
    return RowsTensor(spec.name, spec.datatype, (len(rows), len(columns)), data)


def _cell(value: Any, column: Column, codes: Mapping[str, float]) -> float | None:  # noqa: ANN401  a JSON value
    if column.type == "category":
        return codes.get("" if value is None else str(value), MISSING_CODE)
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidTensor(
            f"{value!r:.80} in column {column.name!r} is not a number",
            hint="Leave the cell empty, or send null, when the value is missing.",
        ) from error


def _csv_rows(text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    width = len(reader.fieldnames or ())
    rows = []
    for row in reader:
        cells = [cell for column, cell in row.items() if column is not None and cell is not None]
        if None in row or len(cells) != width:
            found = len(cells) + len(row.get(None, ()))
            raise InvalidTensor(
                f"Line {reader.line_num} of the CSV: {found} cells for {width} columns",
                hint="Correct the line; a cell that holds a comma needs double quotes.",
            )
        rows.append(row)
    return rows
