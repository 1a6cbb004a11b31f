"""A table as examples: numbers with NaN for what is missing, categories as codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from pileus.data.load import LocalVersion
from pileus.data.raw import cell_changes, rounds, undone
from pileus.data.schema import Task
from pileus.training.examples import Batch, Entrance, Targets
from pileus.training.preparation import RawRows, TableScaling

_BATCH_ROWS = 4096


class TableExamples:
    """The feature columns of a table, in the order of the manifest."""

    def __init__(self, version: LocalVersion) -> None:
        self._version = version
        self._columns = version.manifest.columns or ()
        self._changes = cell_changes(version.manifest)
        self._rounds = rounds(version.manifest)

    @property
    def version_id(self) -> str:
        return self._version.manifest.id

    @property
    def task(self) -> Task:
        return self._version.manifest.task

    @property
    def label(self) -> str | None:
        return self._version.manifest.label

    @property
    def classes(self) -> tuple[str, ...] | None:
        return self._version.manifest.classes

    def train(self) -> tuple[Tensor, Targets]:
        table = self._version.table("train")
        return torch.from_numpy(table.features), table.target

    def untouched(self) -> Iterator[Batch]:
        table = self._version.table("untouched")
        rows = undone(table.features, self._rounds) if self._rounds else table.features
        for start in range(0, len(table.target), _BATCH_ROWS):
            part = slice(start, start + _BATCH_ROWS)
            yield Batch(rows[part], table.target[part])

    def scaling(self, fitted: Tensor) -> tuple[nn.Module, tuple[int, ...]]:
        scaling = TableScaling.of(self._columns, fitted)
        return scaling, (scaling.width,)

    def reception(self) -> nn.Module:
        return RawRows(self._columns, self._rounds) if self._rounds else nn.Identity()

    def entrance(self) -> Entrance:
        columns = self._columns
        described = [
            {"name": column.name, "type": column.type}
            | ({"values": list(column.values)} if column.values is not None else {})
            | self._prepared(column.name)
            for column in columns
        ]
        spec = {
            "name": "features",
            "datatype": "FP32",
            "shape": [-1, len(columns)],
            "content": "row",
            "columns": described,
        }
        return Entrance(spec, torch.zeros((2, len(columns))), (0,))

    def _prepared(self, column: str) -> dict[str, list[dict[str, Any]]]:
        """What the graph does to a cell of the column, so that a person may know."""
        done = [
            {"do": type(change).__name__.lower(), **change._asdict()}
            for change in self._changes.get(column, ())
        ]
        return {"prepared": done} if done else {}
