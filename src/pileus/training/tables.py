"""A table as examples: numbers with NaN for what is missing, categories as codes."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from pileus.data.load import LocalVersion
from pileus.data.schema import Task
from pileus.training.examples import Batch, Entrance, Targets
from pileus.training.preparation import TableScaling

_BATCH_ROWS = 4096


class TableExamples:
    """The feature columns of a table, in the order of the manifest."""

    def __init__(self, version: LocalVersion) -> None:
        self._version = version
        self._columns = version.manifest.columns or ()

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
        for start in range(0, len(table.target), _BATCH_ROWS):
            part = slice(start, start + _BATCH_ROWS)
            yield Batch(table.features[part], table.target[part])

    def scaling(self, fitted: Tensor) -> tuple[nn.Module, tuple[int, ...]]:
        scaling = TableScaling.of(self._columns, fitted)
        return scaling, (scaling.width,)

    def reception(self) -> nn.Module:
        return nn.Identity()

    def entrance(self) -> Entrance:
        columns = self._columns
        described = [
            {"name": column.name, "type": column.type}
            | ({"values": list(column.values)} if column.values is not None else {})
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
