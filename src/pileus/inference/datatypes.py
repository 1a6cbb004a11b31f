"""The datatypes of the Open Inference Protocol: how NumPy, ONNX and JSON spell each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Datatype:
    """One row of the protocol's table."""

    name: str
    numpy: np.dtype[Any]
    onnx: str
    """As ONNX Runtime reports the type of a graph's input."""

    element: Any
    """The Python type of one element in JSON."""

    @property
    def is_float(self) -> bool:
        return self.element is float


DATATYPES: dict[str, Datatype] = {
    datatype.name: datatype
    for datatype in (
        Datatype("BOOL", np.dtype(np.bool_), "tensor(bool)", bool),
        Datatype("UINT8", np.dtype(np.uint8), "tensor(uint8)", int),
        Datatype("UINT16", np.dtype(np.uint16), "tensor(uint16)", int),
        Datatype("UINT32", np.dtype(np.uint32), "tensor(uint32)", int),
        Datatype("UINT64", np.dtype(np.uint64), "tensor(uint64)", int),
        Datatype("INT8", np.dtype(np.int8), "tensor(int8)", int),
        Datatype("INT16", np.dtype(np.int16), "tensor(int16)", int),
        Datatype("INT32", np.dtype(np.int32), "tensor(int32)", int),
        Datatype("INT64", np.dtype(np.int64), "tensor(int64)", int),
        Datatype("FP16", np.dtype(np.float16), "tensor(float16)", float),
        Datatype("FP32", np.dtype(np.float32), "tensor(float)", float),
        Datatype("FP64", np.dtype(np.float64), "tensor(double)", float),
        Datatype("BYTES", np.dtype(np.object_), "tensor(string)", str),
    )
}
