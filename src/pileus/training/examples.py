"""What a recipe learns from, images or a table alike: tensors to fit, rows as they are served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from pileus.data.schema import Task

Targets = NDArray[np.int64] | NDArray[np.float32]
"""Class indexes, or numbers in the unit of the label."""


class Batch(NamedTuple):
    """Rows as a graph takes them, with their targets."""

    rows: NDArray[Any]
    targets: Targets


class Entrance(NamedTuple):
    """The graph's input: how it is described, an example of it, which dimensions are free."""

    spec: dict[str, Any]
    example: Tensor
    dynamic: tuple[int, ...]


class Examples(Protocol):
    """A dataset version, seen by training."""

    @property
    def task(self) -> Task: ...

    @property
    def version_id(self) -> str:
        """`dsv_…`: the content."""
        ...

    @property
    def label(self) -> str | None:
        """The column that is learnt, of a table."""
        ...

    @property
    def classes(self) -> tuple[str, ...] | None: ...

    def train(self) -> tuple[Tensor, Targets]:
        """The training part, whole; read once."""
        ...

    def untouched(self) -> Iterator[Batch]:
        """The untouched split as people send it, in batches, in order."""
        ...

    def scaling(self, fitted: Tensor) -> tuple[nn.Module, tuple[int, ...]]:
        """What stands before the network, by the statistics of `fitted`; the shape of one row."""
        ...

    def reception(self) -> nn.Module:
        """Turns rows as people send them into rows as `train` gives them."""
        ...

    def entrance(self) -> Entrance: ...
