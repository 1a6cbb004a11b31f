"""What runs a graph. One implementation per graph format, in `runtimes/`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Runtime(Protocol):
    """A graph in memory, ready to compute."""

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """The outputs, in the order of the bundle's signature. Raises InferenceFailed."""
        ...
