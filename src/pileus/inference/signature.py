"""
Checks the tensors of a request against a model's signature and turns them into arrays.

Pure: no batching, no runtime. Whatever passes is safe to hand to the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pileus.inference.datatypes import DATATYPES
from pileus.inference.errors import BatchTooLarge, InvalidTensor
from pileus.inference.raw import Raw, array_of

if TYPE_CHECKING:
    from pileus.inference.bundle import Bundle, InputSpec
    from pileus.inference.runtime import Array

_SINGLE_BYTES = 4
"""Of a float that the processor multiplies by itself."""


class RequestTensor(Protocol):
    """One tensor as a transport decoded it."""

    @property
    def name(self) -> str: ...
    @property
    def datatype(self) -> str: ...
    @property
    def shape(self) -> Sequence[int]: ...
    @property
    def data(self) -> Sequence[Any] | Array | Raw:
        """Its elements in row-major order, flat: each of the datatype's Python type, or as the widest
        type of its kind that NumPy has; or raw."""
        ...


class Signature:
    """What a model takes."""

    def __init__(self, bundle: Bundle, max_rows: int) -> None:
        self._inputs = {spec.name: InputCheck(spec) for spec in bundle.inputs}
        fixed = [spec.shape[0] for spec in bundle.inputs if spec.shape[0] > 0]
        self.is_batchable = not fixed
        """Rows of several requests may be computed together."""

        self._max_rows = max_rows

    def arrays(self, tensors: Sequence[RequestTensor]) -> tuple[dict[str, Array], int]:
        """The inputs by name, and the rows in each. Raises InvalidTensor or BatchTooLarge."""
        arrays: dict[str, Array] = {}
        rows = 0
        for tensor in tensors:
            check = self._inputs.get(tensor.name)
            if check is None:
                raise self._mismatch(f"The model has no input {tensor.name!r}")
            if tensor.name in arrays:
                raise InvalidTensor(
                    f"Input {tensor.name!r} is given twice", hint="Send each input once."
                )
            count = check.rows(tensor)
            if count > self._max_rows:
                raise BatchTooLarge(
                    f"Input {tensor.name!r} has {count} rows; a request has {self._max_rows}"
                    " at most",
                    hint="Send the rows in several requests.",
                )
            if arrays and count != rows:
                raise InvalidTensor(
                    f"Input {tensor.name!r} has {count} rows, the one before it {rows}",
                    hint="All inputs of a request have the same first dimension.",
                )
            arrays[tensor.name], rows = check.array(tensor), count
        if len(arrays) != len(self._inputs):
            missing = [name for name in self._inputs if name not in arrays]
            raise self._mismatch(f"The request lacks the inputs {missing!r}")
        return arrays, rows

    def _mismatch(self, message: str) -> InvalidTensor:
        return InvalidTensor(message, hint=f"The model's inputs are {list(self._inputs)!r}.")


class InputCheck:
    """Checks tensors against one input."""

    def __init__(self, spec: InputSpec) -> None:
        self._spec = spec
        self._rank = len(spec.shape)
        self._fixed = [(axis, size) for axis, size in enumerate(spec.shape) if size > 0]
        self._datatype = DATATYPES[spec.datatype]
        self._missing_allowed = spec.content == "row"

    def rows(self, tensor: RequestTensor) -> int:
        """The first dimension, once the shape is known to fit both signature and data."""
        spec, shape = self._spec, tensor.shape
        if tensor.datatype != spec.datatype:
            raise InvalidTensor(
                f"Input {spec.name!r} has datatype {tensor.datatype!r}; the model takes"
                f" {spec.datatype!r}",
                hint="Send the datatype that the model's metadata names.",
            )
        if len(shape) != self._rank or any(shape[axis] != size for axis, size in self._fixed):
            raise self._wrong_shape(shape)
        if min(shape) <= 0:
            if shape[0] == 0 and min(shape) == 0:
                raise InvalidTensor(
                    f"Input {spec.name!r} has shape {list(shape)}: an empty batch",
                    hint="Send at least one row.",
                )
            raise self._wrong_shape(shape)
        # Python's integers cannot overflow, so a huge shape simply differs from the data.
        if not isinstance(tensor.data, bytes | memoryview) and prod(shape) != len(tensor.data):
            raise InvalidTensor(
                f"Input {spec.name!r} has shape {list(shape)}, that is {prod(shape)} elements,"
                f" but {len(tensor.data)} in 'data'",
                hint="'data' holds every element of the shape, row by row.",
            )
        return shape[0]

    def array(self, tensor: RequestTensor) -> Array:
        """The tensor as an array. Raises InvalidTensor for values that the model cannot take."""
        with np.errstate(all="ignore"):  # what overflows is found below, and told
            if isinstance(tensor.data, bytes | memoryview):
                array = self._from_raw(tensor.shape, tensor.data)
            else:
                array = self._from_elements(tensor.data)
            if self._datatype.is_float and not _is_finite(array):
                self._refuse_values(array)
        return array.reshape(tuple(tensor.shape))

    def _from_raw(self, shape: Sequence[int], raw: Raw) -> Array:
        try:
            return array_of(self._datatype, raw, prod(shape))
        except ValueError as error:
            raise InvalidTensor(
                f"The raw data of input {self._spec.name!r} does not fit its shape"
                f" {list(shape)} of {self._spec.datatype!r}: {error}",
                hint="Little-endian elements, row by row; each of BYTES after its length (uint32).",
            ) from error

    def _from_elements(self, elements: Sequence[Any] | Array) -> Array:
        try:
            array: Array = np.asarray(elements, dtype=self._datatype.numpy)
            if isinstance(elements, np.ndarray) and not self._datatype.is_float:
                _check_range(elements, array)
        except (OverflowError, TypeError, ValueError) as error:
            raise InvalidTensor(
                f"Input {self._spec.name!r} has an element that is not of"
                f" {self._spec.datatype!r}: {error}",
                hint="Send elements in the range of the datatype.",
            ) from error
        return array

    def _refuse_values(self, array: Array) -> None:
        if np.isinf(array).any():
            raise InvalidTensor(
                f"Input {self._spec.name!r} has an element too large for {self._spec.datatype!r}",
                hint="Send finite numbers.",
            )
        if not self._missing_allowed:
            raise InvalidTensor(
                f"Input {self._spec.name!r} has an element that is not a number",
                hint="Only features of a table may be missing.",
            )

    def _wrong_shape(self, shape: Sequence[int]) -> InvalidTensor:
        return InvalidTensor(
            f"Input {self._spec.name!r} has shape {list(shape)}; the model takes"
            f" {list(self._spec.shape)}",
            hint="-1 stands for any size of at least 1; the first dimension counts the rows.",
        )


def _check_range(wide: Array, narrow: Array) -> None:
    """NumPy lets whole numbers of an array overflow. Raises OverflowError."""
    if not np.array_equal(wide, narrow):
        raise OverflowError("an element is out of its range")


def _is_finite(array: Array) -> bool:
    """Whether no element of a flat array is infinite or NaN."""
    # Both survive a product with itself. Large numbers may overflow in it, so it is no proof of one.
    if array.dtype.itemsize >= _SINGLE_BYTES and isfinite(array.dot(array)):
        return True
    return bool(np.isfinite(array).all())
