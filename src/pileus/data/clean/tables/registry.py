"""Which function carries which step out on a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pileus.data.clean.tables.cast import cast
from pileus.data.clean.tables.clip import clip
from pileus.data.clean.tables.drop_classes import drop_classes
from pileus.data.clean.tables.drop_columns import drop_columns
from pileus.data.clean.tables.drop_duplicates import drop_duplicates
from pileus.data.clean.tables.drop_missing import drop_missing
from pileus.data.clean.tables.drop_near_duplicates import drop_near_duplicates
from pileus.data.clean.tables.impute import impute
from pileus.data.clean.tables.map_labels import map_labels
from pileus.data.clean.tables.map_values import map_values
from pileus.data.clean.tables.normalise import normalise
from pileus.data.clean.tables.rename_columns import rename_columns
from pileus.data.clean.tables.split import split
from pileus.data.clean.tables.stage import Change, Stage

TableStep = Callable[[Any, Stage, Path, int], Change]
"""Takes the step of the spec, the stage before, a directory for scratch, and the seed."""

TABLE_STEPS: Mapping[str, TableStep] = {
    "cast": cast,
    "clip": clip,
    "drop_classes": drop_classes,
    "drop_columns": drop_columns,
    "drop_duplicates": drop_duplicates,
    "drop_missing": drop_missing,
    "drop_near_duplicate_rows": drop_near_duplicates,
    "impute": impute,
    "map_labels": map_labels,
    "map_values": map_values,
    "normalise": normalise,
    "rename_columns": rename_columns,
    "split": split,
}
