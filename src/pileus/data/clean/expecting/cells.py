"""Checks cells of columns, some thousand rows at once, with pandera on polars."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pileus.core.schemas.expectations import ColumnExpectation
from pileus.data.cells import is_missing, number
from pileus.data.clean.errors import ExpectationsUnavailable
from pileus.data.clean.expecting.violations import Seen, Violations

if TYPE_CHECKING:
    import pandera.polars as pa

_NUMBER = "{} (number)"
"""A column's cells as numbers stand beside them as texts."""


@dataclass(frozen=True)
class _Checked:
    """One column of the frame: which cells it has, and what is said when one fails."""

    column: str
    texts: tuple[str, ...]
    """For each check in order, the expectation in words."""


class CellChecks:
    """The expectations of columns, as one schema of pandera. Raises ExpectationsUnavailable."""

    def __init__(self, names: Sequence[str], columns: Mapping[str, ColumnExpectation]) -> None:
        try:
            import pandera.polars as pandera  # an extra, and costly to import
            import polars as pl  # the same
        except ImportError as error:
            raise ExpectationsUnavailable(
                f"Expectations need {error.name!r}, which this node does not have",
                hint="Install it on the node: pip install 'pileus[clean]'.",
            ) from error
        self._polars = pl
        self._places = {name: list(names).index(name) for name in columns}
        self._checked: dict[str, _Checked] = {}
        fields: dict[str, pa.Column] = {}
        for name, expected in columns.items():
            texts, checks = _text_checks(pandera, name, expected)
            fields[name] = pandera.Column(
                pl.String, checks, nullable=not expected.not_null, required=True
            )
            self._checked[name] = _Checked(name, tuple(texts))
            texts, checks = _number_checks(pandera, name, expected)
            if checks:
                shadow = _NUMBER.format(name)
                fields[shadow] = pandera.Column(pl.Float64, checks, nullable=True)
                self._checked[shadow] = _Checked(name, tuple(texts))
        self._schema = pandera.DataFrameSchema(fields)

    def check(self, batch: Sequence[Seen], violations: Violations) -> None:
        """Note the rows of `batch` that fail."""
        from pandera.errors import SchemaErrors  # loaded by now

        try:
            self._schema.validate(self._frame(batch), lazy=True)
        except SchemaErrors as error:
            cases = sorted(
                error.failure_cases.iter_rows(named=True),
                key=lambda case: (case["index"], case["column"], case["check_number"] or 0),
            )
            for case in cases:
                checked = self._checked[case["column"]]
                at = case["check_number"]
                text = f"{checked.column!r} is not null" if at is None else checked.texts[at]
                seen = batch[case["index"]]
                violations.row(text, seen, seen.cells[self._places[checked.column]])

    def _frame(self, batch: Sequence[Seen]) -> Any:  # noqa: ANN401  a frame of an extra
        series: dict[str, Any] = {}
        for name, place in self._places.items():
            cells = [seen.cells[place] for seen in batch]
            texts = [None if is_missing(cell) else cell.strip() for cell in cells]
            series[name] = self._polars.Series(name, texts, dtype=self._polars.String)
            shadow = _NUMBER.format(name)
            if shadow in self._checked:
                values = [None if text is None else number(text) for text in texts]
                series[shadow] = self._polars.Series(shadow, values, dtype=self._polars.Float64)
        return self._polars.DataFrame(series)


def _text_checks(
    pandera: Any,  # noqa: ANN401  a module of an extra
    name: str,
    expected: ColumnExpectation,
) -> tuple[list[str], list[Any]]:
    texts: list[str] = []
    checks: list[Any] = []

    def each(text: str, holds: Callable[[str], bool]) -> None:
        texts.append(text)
        checks.append(pandera.Check(holds, element_wise=True, name=text))

    if expected.type == "number":
        each(f"{name!r} is a number", _is_number)
    if expected.type == "integer":
        each(f"{name!r} is a whole number", _is_integer)
    if expected.allowed is not None:
        texts.append(f"{name!r} is one of {_listed(expected.allowed)}")
        checks.append(pandera.Check.isin(list(expected.allowed)))
    if expected.pattern is not None:
        pattern = re.compile(expected.pattern)
        each(f"{name!r} matches {expected.pattern}", lambda cell: bool(pattern.fullmatch(cell)))
    return texts, checks


def _number_checks(
    pandera: Any,  # noqa: ANN401  a module of an extra
    name: str,
    expected: ColumnExpectation,
) -> tuple[list[str], list[Any]]:
    texts: list[str] = []
    checks: list[Any] = []
    if expected.min is not None:
        texts.append(f"{name!r} is at least {expected.min:g}")
        checks.append(pandera.Check.ge(expected.min))
    if expected.max is not None:
        texts.append(f"{name!r} is at most {expected.max:g}")
        checks.append(pandera.Check.le(expected.max))
    return texts, checks


def _is_number(cell: str) -> bool:
    return number(cell) is not None


def _is_integer(cell: str) -> bool:
    value = number(cell)
    return value is not None and value.is_integer()


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(map(repr, values[:5]))
    return shown + (f" and {len(values) - 5} more" if len(values) > 5 else "")
