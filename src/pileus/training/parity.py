"""Is the exported graph the model that was evaluated? Compares their answers, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pileus.core import telemetry

TOLERANCE = 1e-4
"""Largest difference of a probability, or of a value in standard deviations of the label."""

Answers = NDArray[np.float32]
Rows = NDArray[Any]


@dataclass
class Parity:
    """The verdict so far; `report` is `parity.json`."""

    tolerance: float = TOLERANCE
    rows: int = 0
    single_rows: int = 0
    """Rows that were also computed alone: a graph may be right for batches only."""

    max_abs_diff: float = 0.0
    equal_classes: bool = True

    def compare(self, framework: Answers, graph: Answers, indexes: Rows | None) -> None:
        """Take in the answers to the same rows; `indexes` are the classes that the graph named."""
        self.rows += len(framework)
        self._compare(framework, graph, indexes)

    def compare_single(self, framework: Answers, graph: Answers, indexes: Rows | None) -> None:
        """The same for a row that was computed alone."""
        self.single_rows += len(framework)
        self._compare(framework, graph, indexes)

    def _compare(self, framework: Answers, graph: Answers, indexes: Rows | None) -> None:
        # A NaN on either side is a difference without bound, and max() would lose it.
        difference = np.nan_to_num(np.abs(framework - graph), nan=np.inf).max(initial=0.0)
        self.max_abs_diff = max(self.max_abs_diff, float(difference))
        if indexes is not None:
            same = np.array_equal(framework.argmax(axis=1), indexes.reshape(-1))
            self.equal_classes = self.equal_classes and same

    @property
    def has_passed(self) -> bool:
        return self.max_abs_diff <= self.tolerance and self.equal_classes

    def report(self) -> dict[str, Any]:
        finite = np.isfinite(self.max_abs_diff)
        return {
            "rows": self.rows,
            "single_rows": self.single_rows,
            "max_abs_diff": self.max_abs_diff if finite else None,
            "equal_classes": self.equal_classes,
            "tolerance": self.tolerance,
            "passed": self.has_passed,
        }


class Graph:
    """The exported graph in ONNX Runtime."""

    def __init__(self, path: Path, threads: int) -> None:
        telemetry.turn_off()
        import onnxruntime  # starts a thread: a warm parent that forks attempts must not have it

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads that wait in a loop take the processor from those that work.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def run(self, rows: Rows) -> tuple[Answers, Rows | None]:
        """Probabilities and class indexes, or values and None."""
        outputs = self._session.run(None, {self._input: rows})
        return outputs[0], outputs[1] if len(outputs) > 1 else None
