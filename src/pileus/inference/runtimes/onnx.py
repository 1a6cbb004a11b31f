"""Runs ONNX graphs with ONNX Runtime on the processor, on the calling thread."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pileus.core import telemetry
from pileus.inference.bundle import Bundle
from pileus.inference.datatypes import BF16, DATATYPES, ONNX_BFLOAT16
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
        datatypes = {spec.datatype for spec in bundle.inputs}
        datatypes.update(spec.datatype for spec in bundle.outputs)
        self._has_bfloat16 = BF16 in datatypes

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        try:
            if self._has_bfloat16:
                return self._run_values(inputs)
            arrays: list[Any] = self._session.run(self._outputs, inputs, self._run_options)
        except Exception as error:  # ONNX Runtime raises bare subclasses of Exception
            raise InferenceFailed(
                f"The model could not compute this input: {_first_line(error)}",
                hint="Compare the input's shape and values with the model's signature.",
            ) from error
        return arrays

    def _run_values(self, inputs: Mapping[str, Array]) -> list[Array]:
        values = {name: _value(array) for name, array in inputs.items()}
        answers = self._session.run_with_ort_values(self._outputs, values, self._run_options)
        return [_array(answer) for answer in answers]

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


def _value(array: Array) -> onnxruntime.OrtValue:
    if array.dtype != DATATYPES[BF16].numpy:
        return onnxruntime.OrtValue.ortvalue_from_numpy(array)
    bits = np.ascontiguousarray(array).view(np.uint16)
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, ONNX_BFLOAT16)


def _array(value: onnxruntime.OrtValue) -> Array:
    if value.data_type() != DATATYPES[BF16].onnx:
        array: Array = value.numpy()
        return array
    shape = value.shape()
    # ONNX Runtime has no array for this type; its memory lives as long as `value`, so it is copied.
    count = int(np.prod(shape, dtype=np.int64))
    bits = (ctypes.c_uint16 * count).from_address(value.data_ptr())
    return np.array(bits, dtype=np.uint16).view(DATATYPES[BF16].numpy).reshape(shape)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
