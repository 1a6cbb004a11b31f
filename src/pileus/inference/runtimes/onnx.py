"""Runs ONNX graphs with ONNX Runtime on the processor, on the calling thread."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pileus.core import telemetry
from pileus.inference.bundle import Bundle
from pileus.inference.datatypes import DATATYPES
from pileus.inference.errors import BundleUnreadable, InferenceFailed

telemetry.turn_off()

import onnxruntime  # noqa: E402  it reports from its import on

if TYPE_CHECKING:
    from pileus.inference.runtime import Array

_LOG_ERRORS_ONLY = 3
_LOG_NOTHING = 4


class OnnxRuntime:
    """One inference session."""

    def __init__(self, bundle: Bundle, directory: Path) -> None:
        options = onnxruntime.SessionOptions()
        # A lane is one process on one core; more threads only contend: CPU per request doubled.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = _LOG_ERRORS_ONLY
        # What a bad input makes the graph say goes to the caller, not to the log.
        self._run_options = onnxruntime.RunOptions()
        self._run_options.log_severity_level = _LOG_NOTHING
        try:
            self._session = onnxruntime.InferenceSession(
                str(directory / bundle.graph), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises bare subclasses of Exception
            raise BundleUnreadable(
                f"ONNX Runtime cannot load the graph {bundle.graph!r}: {_first_line(error)}",
                hint="Export the model again.",
            ) from error
        self._outputs = [spec.name for spec in bundle.outputs]
        self._check_graph(bundle)

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        try:
            arrays: list[Any] = self._session.run(self._outputs, inputs, self._run_options)
        except Exception as error:  # ONNX Runtime raises bare subclasses of Exception
            raise InferenceFailed(
                f"The model could not compute this input: {_first_line(error)}",
                hint="Compare the input's shape and values with the model's signature.",
            ) from error
        return arrays

    def _check_graph(self, bundle: Bundle) -> None:
        graph_inputs = {node.name: node.type for node in self._session.get_inputs()}
        signature = {spec.name: DATATYPES[spec.datatype].onnx for spec in bundle.inputs}
        if graph_inputs != signature:
            raise BundleUnreadable(
                f"The graph takes {graph_inputs!r}, the bundle says {signature!r}",
                hint="Export the model again.",
            )
        missing = set(self._outputs) - {node.name for node in self._session.get_outputs()}
        if missing:
            raise BundleUnreadable(
                f"The graph lacks the outputs {sorted(missing)!r} that the bundle names",
                hint="Export the model again.",
            )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
