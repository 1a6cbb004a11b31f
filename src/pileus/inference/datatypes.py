"""
The datatypes of the Open Inference Protocol: how NumPy, ONNX and JSON spell each of them.

Source: the table "Tensor Data Types" of the protocol, version 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

BYTES = "BYTES"
BF16 = "BF16"

ONNX_BFLOAT16 = 16
"""`TensorProto.BFLOAT16`. NumPy knows no such type, so the runtime is given its bits and this number."""


@dataclass(frozen=True)
class Datatype:
    """One row of the protocol's table."""

    name: str
    onnx: str
    """As ONNX Runtime reports the type of a graph's input."""

    element: Any
    """The Python type of one element in JSON."""

    @property
    def is_float(self) -> bool:
        return self.element is float

    @cached_property
    def numpy(self) -> np.dtype[Any]:
        """Elements in memory; those of BYTES are strings."""
        if self.name == BF16:
            import ml_dtypes  # start-up that lanes without such a model do without

            bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
            return bfloat16
        return np.dtype(_NUMPY[self.name])


_NUMPY: dict[str, type[Any]] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    BYTES: np.object_,
}

DATATYPES: dict[str, Datatype] = {
    datatype.name: datatype
    for datatype in (
        Datatype("BOOL", "tensor(bool)", bool),
        Datatype("UINT8", "tensor(uint8)", int),
        Datatype("UINT16", "tensor(uint16)", int),
        Datatype("UINT32", "tensor(uint32)", int),
        Datatype("UINT64", "tensor(uint64)", int),
        Datatype("INT8", "tensor(int8)", int),
        Datatype("INT16", "tensor(int16)", int),
        Datatype("INT32", "tensor(int32)", int),
        Datatype("INT64", "tensor(int64)", int),
        Datatype("FP16", "tensor(float16)", float),
        Datatype(BF16, "tensor(bfloat16)", float),
        Datatype("FP32", "tensor(float)", float),
        Datatype("FP64", "tensor(double)", float),
        Datatype(BYTES, "tensor(string)", str),
    )
}
