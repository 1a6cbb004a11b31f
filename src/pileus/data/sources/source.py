"""What a source gives: checked images, or the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

from pileus.data.image_facts import Facts
from pileus.data.schema import Split


class SourceImage(NamedTuple):
    """One image, decoded once to know that it is whole; `given` is the side the source says."""

    path: str
    label: str
    data: bytes
    sha256: str
    facts: Facts
    given: Split | None


class Row(NamedTuple):
    """One row, where it is (see `TableSource.unit`), and the side the source says."""

    line: int
    cells: Sequence[str]
    given: Split | None = None


class ImageSource(Protocol):
    """Images with a class each, in an order that depends on nothing but the source."""

    kind: Literal["images"]
    name: str
    total: int
    """How many there are; known from the first image on."""

    notices: list[str]

    def images(self) -> Iterator[SourceImage]:
        """Every image. Raises errors that name the file."""
        ...


class TableSource(Protocol):
    """Rows of text, the header first."""

    kind: Literal["table"]
    name: str
    label: str | None
    """The label column, if the source knows it."""

    unit: Literal["line", "row"]
    """What `Row.line` counts, from 1: lines of the file, or rows."""

    def rows(self) -> Iterator[Row]:
        """The header, then every row. Raises errors that name file and line."""
        ...


Source = ImageSource | TableSource
