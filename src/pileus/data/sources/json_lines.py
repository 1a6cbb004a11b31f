"""JSON Lines: an object of plain values on each line; its keys are the columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

from pileus.core.composing import composed
from pileus.core.errors import PileusError
from pileus.data.errors import TableDamaged
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.source import Row
from pileus.data.sources.text import TextFile

ENDINGS = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_LOOKED_AT = 1000
"""So many lines say which columns there are."""


class JsonLines:
    """One file of objects. A key that an object lacks is a missing cell."""

    kind: Literal["table"] = "table"
    label: str | None = None
    unit: Literal["line", "row"] = "line"

    def __init__(self, path: Path, name: str, options: SourceOptions) -> None:
        self.name = f"jsonl:{name}"
        self._file = name
        self._faults = options.faults
        self._text = TextFile(path, name, options.encoding, is_forgiving=options.faults.is_skipping)

    @classmethod
    def of(cls, path: Path, name: str, options: SourceOptions) -> JsonLines | None:
        if not path.is_file() or not name.lower().endswith(ENDINGS):
            return None
        options.refuse_all_but({"encoding"}, "JSON Lines")
        return cls(path, name, options)

    def rows(self) -> Iterator[Row]:
        objects = self._objects()
        first = list(islice(objects, _LOOKED_AT))
        names = list(dict.fromkeys(name for _, cells in first for name in cells))
        if not first:
            return
        yield Row(0, names)
        known = set(names)
        for line, cells in chain(first, objects):
            strange = [name for name in cells if name not in known]
            if strange:
                fault = self._damaged(line, f"keys {strange!r} are not in the lines before it")
                self._faults.meet(fault, self._file, line)
                continue
            yield Row(line, [cells.get(name, "") for name in names])

    def _objects(self) -> Iterator[tuple[int, dict[str, str]]]:
        for line, text in enumerate(self._text.lines(), start=1):
            if not text.strip():
                continue
            try:
                if fault := self._text.fault(line, text):
                    raise fault
                yield line, self._cells(line, text)
            except PileusError as error:
                self._faults.meet(error, self._file, line)

    def _cells(self, line: int, text: str) -> dict[str, str]:
        try:
            value = _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            raise self._damaged(line, f"it is not JSON: {error}") from error
        if not isinstance(value, _Object):
            raise self._damaged(line, "it is not an object")
        cells: dict[str, str] = {}
        for key, cell in value.pairs:
            name = composed(key)
            if name in cells:
                raise self._damaged(line, f"key {name!r} is there more than once")
            if not isinstance(cell, str | bool | None):
                what = "an object" if isinstance(cell, _Object) else "a list"
                raise self._damaged(line, f"the value of {name!r} is {what}, not one cell")
            cells[name] = _cell(cell)
        return cells

    def _damaged(self, line: int, why: str) -> TableDamaged:
        return TableDamaged(
            f"{self._file!r}, line {line}: {why}",
            hint="A line is one object of texts, numbers, true, false and null;"
            " --skip-bad passes over others.",
        )


class _Object:
    """An object with its keys as they were written, repeated ones too."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


# Numbers stay the text that they are: 1.50 and an id of twenty digits lose nothing.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_Object, parse_int=str, parse_float=str, parse_constant=str
)


def _cell(value: str | bool | None) -> str:  # noqa: FBT001  JSON has booleans
    if isinstance(value, str):
        return value
    return "" if value is None else str(value).lower()
