"""Drops rows that differ from an earlier one in spelling, rounding or a little of a text only."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path

from pileus.core.schemas.transform import DropNearDuplicateRows
from pileus.data.cells import is_missing, number, row_bytes
from pileus.data.clean.first import Contents
from pileus.data.clean.tables.keeping import keeping, masked
from pileus.data.clean.tables.minhash import Similar
from pileus.data.clean.tables.stage import Change, Row, Stage, changed
from pileus.data.clean.tally import Tally


def drop_near_duplicates(
    step: DropNearDuplicateRows, stage: Stage, scratch: Path, seed: int
) -> Change:
    del scratch
    tally = Tally()
    texts = [stage.index(name) for name in step.texts]
    compared = step.columns or [name for name in stage.names if name not in step.texts]
    indexes = [stage.index(name) for name in compared]

    def shared(row: Row) -> bytes:
        return row_bytes([_normalised(row.cells[index], step.digits) for index in indexes])

    if not texts:
        contents = Contents()
        for row in stage.rows():
            contents.add(shared(row))
        return changed(stage, masked(stage, contents.first(), tally), tally)

    similar = Similar(step.similarity, seed)

    def is_new(row: Row) -> bool:
        text = "\n".join(_normalised(row.cells[index], step.digits) for index in texts)
        return not similar.meets(text, hashlib.sha256(shared(row)).digest()[:16])

    return changed(stage, keeping(stage, is_new, tally), tally)


def _normalised(cell: str, digits: int) -> str:
    if is_missing(cell):
        return ""
    value = number(cell)
    if value is not None:
        return f"{value:.{digits}g}"
    return " ".join(unicodedata.normalize("NFKC", cell).casefold().split())
