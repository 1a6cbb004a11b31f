"""What must hold of a dataset version; where it does not, no version is made."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pileus.core.schemas.base import Schema


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


class ColumnExpectation(Schema):
    """What must hold of each cell of a column. Missing cells pass all but `not_null`."""

    type: Literal["number", "integer", "category", "text"] | None = None
    min: float | None = None
    max: float | None = None
    allowed: tuple[str, ...] | None = Field(default=None, min_length=1)
    pattern: Annotated[str, AfterValidator(_compiles)] | None = None
    """A regular expression that the whole cell matches."""

    not_null: bool = False
    unique: bool = False

    @model_validator(mode="after")
    def _check(self) -> ColumnExpectation:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("'min' is above 'max'")
        if self.type in {"category", "text"} and (self.min, self.max) != (None, None):
            raise ValueError("'min' and 'max' are for numbers")
        return self


class ClassExpectation(Schema):
    """How the classes of the training part are balanced."""

    min_rows: int | None = Field(default=None, ge=1)
    min_share: float | None = Field(default=None, gt=0, le=1)
    max_share: float | None = Field(default=None, gt=0, le=1)
    names: tuple[str, ...] | None = None
    """Exactly these classes, in any order."""


class ImageExpectation(Schema):
    """What must hold of each image."""

    min_width: int | None = Field(default=None, ge=1)
    min_height: int | None = Field(default=None, ge=1)
    max_width: int | None = Field(default=None, ge=1)
    max_height: int | None = Field(default=None, ge=1)
    modes: tuple[str, ...] | None = None
    """Pixel modes as Pillow names them: `L`, `RGB`."""


class Expectations(Schema):
    """All that must hold."""

    min_rows: int | None = Field(default=None, ge=1)
    """Of both parts together."""

    max_missing: float | None = Field(default=None, ge=0, le=1)
    """Share of a feature column's cells that may be missing, for every column."""

    columns: dict[str, ColumnExpectation] = Field(default_factory=dict)
    classes: ClassExpectation | None = None
    images: ImageExpectation | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of dataset that they can be asked of."""
        found = frozenset({"images", "table"})
        if self.columns or self.max_missing is not None:
            found &= {"table"}
        if self.images is not None:
            found &= {"images"}
        return found
