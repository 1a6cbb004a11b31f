"""Brings the cells of a table to NFC, so that a class or category has one spelling."""

from __future__ import annotations

from collections.abc import Sequence

from pileus.core.composing import composed, is_composed
from pileus.data.composing import notice
from pileus.data.sources.source import Row

_NAMED = 10


def are_ascii(lines: Sequence[bytes]) -> bool:
    """Whether lines surely are in NFC: 30 ns a line, and most tables need no other look."""
    return all(map(bytes.isascii, lines))


class RowComposer:
    """Composes rows, and remembers where that changed a cell."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._rows = 0
        self._columns: set[int] = set()

    def composed(self, rows: list[Row]) -> list[Row]:
        """The rows in NFC; `rows` itself if they are."""
        # A line feed composes with nothing, so that no cell touches the one before it.
        if all(is_composed("\n".join(row.cells)) for row in rows):
            return rows
        return [self._row(row) for row in rows]

    def notices(self) -> list[str]:
        """What a person should know of it."""
        if not self._rows:
            return []
        named = [repr(self._names[index]) for index in sorted(self._columns)]
        more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
        where = f", in columns {', '.join(named[:_NAMED])}{more}"
        return [notice(self._rows, "Rows") + where]

    def _row(self, row: Row) -> Row:
        cells = [composed(cell) for cell in row.cells]
        pairs = enumerate(zip(cells, row.cells, strict=True))
        changed = [index for index, (new, old) in pairs if new != old]
        # A row of another width than the header is refused, and none to speak of.
        if not changed or len(cells) != len(self._names):
            return row
        self._rows += 1
        self._columns.update(changed)
        return row._replace(cells=cells)
