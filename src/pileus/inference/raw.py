"""
The raw form of a tensor: its elements in row-major order, little-endian, without padding.

Each element of BYTES has its length before it, as 32 bits without sign. Source: the Open Inference
Protocol v2, "Binary Tensor Data Extension" and `raw_input_contents`.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

import numpy as np

from pileus.inference.datatypes import BF16, BYTES

if TYPE_CHECKING:
    from pileus.inference.datatypes import Datatype
    from pileus.inference.runtime import Array

Raw = bytes | memoryview

_LENGTH = Struct("<I")


def array_of(datatype: Datatype, raw: Raw, elements: int) -> Array:
    """`elements` elements, flat; shares memory with `raw` where it can. Raises ValueError."""
    if datatype.name == BYTES:
        return np.array(_strings(raw, elements), dtype=np.object_)
    expected = elements * datatype.numpy.itemsize
    if len(raw) != expected:
        raise ValueError(f"{elements} elements take {expected} bytes, but {len(raw)} are there")
    if datatype.name == BF16:  # a type that NumPy does not know has no order of its bytes
        return np.frombuffer(raw, dtype="<u2").astype(np.uint16, copy=False).view(datatype.numpy)
    array: Array = np.frombuffer(raw, dtype=datatype.numpy.newbyteorder("<"))
    if datatype.name == "BOOL" and array.view(np.uint8).max(initial=0) > 1:
        raise ValueError("a byte of BOOL is neither 0 nor 1")
    # What stands somewhere in a body may be out of step with the words of the processor.
    return np.require(array, dtype=datatype.numpy, requirements="A")


def raw_of(datatype: str, array: Array) -> bytes:
    """The elements of an array of strings or of numbers."""
    if datatype == BYTES:
        pieces: list[bytes] = []
        for element in array.ravel().tolist():
            content = element if isinstance(element, bytes) else str(element).encode()
            pieces += (_LENGTH.pack(len(content)), content)
        return b"".join(pieces)
    if datatype == BF16:
        array = array.view(np.uint16)
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _strings(raw: Raw, elements: int) -> list[Any]:
    strings: list[str] = []
    position, end = 0, len(raw)
    for index in range(elements):
        start = position + _LENGTH.size
        if start > end:
            raise ValueError(f"{elements} elements are announced, but {index} are there")
        position = start + _LENGTH.unpack_from(raw, position)[0]
        if position > end:
            raise ValueError(f"element {index} ends {position - end} bytes after the data")
        try:
            strings.append(str(raw[start:position], "utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(f"element {index} is not UTF-8: {error.reason}") from error
    if position != end:
        raise ValueError(f"{end - position} bytes are left after {elements} elements")
    return strings
