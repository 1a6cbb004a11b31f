"""Cells of a table: what is missing, what is a number, how a row is written."""

from __future__ import annotations

import re
from collections.abc import Sequence

MISSING = frozenset({"", "na", "nan", "null", "?"})
"""Texts that stand for no value, in lower case."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_LARGEST = 3.4028234e38  # features are float32
_SPECIAL = re.compile(r'[,"\n]')


def is_missing(cell: str) -> bool:
    return cell.strip().lower() in MISSING


def number(cell: str) -> float | None:
    """The number that a cell holds; None for any other text, and for what float32 cannot hold."""
    text = cell.strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) <= _LARGEST else None


def row_bytes(cells: Sequence[str]) -> bytes:
    """
    One canonical line: UTF-8, commas, quotes only where needed, a line feed.

    Dataset ids depend on it, so it is written here and not left to a version of `csv`.
    """
    return (",".join([_quoted(cell) for cell in cells]) + "\n").encode()


def _quoted(cell: str) -> str:
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")
    return '"' + cell.replace('"', '""') + '"' if _SPECIAL.search(cell) else cell
