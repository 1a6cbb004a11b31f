"""A value of a typed source (a database, a file of arrays) as the text of one cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np

_WRITERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...] = (
    (str, str),
    ((bool, np.bool_), lambda value: "true" if value else "false"),  # before int: a bool is one
    ((int, np.integer), lambda value: str(int(value))),
    (float, lambda value: repr(float(value))),
    (np.floating, str),
    (Decimal, "{:f}".format),
    ((dt.date, dt.time), lambda value: value.isoformat()),  # a datetime is a date
    (np.datetime64, lambda value: "" if np.isnat(value) else str(value)),
    (UUID, str),
)


def cell_text(value: Any) -> str | None:  # noqa: ANN401  whatever a driver gives
    """
    One way to write each value, on any machine; None for what is no single value.

    Numbers are the shortest text that reads as the same number, times are ISO 8601.
    """
    if value is None:
        return ""
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    return None
