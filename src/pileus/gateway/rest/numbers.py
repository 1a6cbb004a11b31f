"""
Reads requests that are mostly numbers, straight into memory.

A list of 784 Python floats takes 28 µs to make and to turn into an array, this 10. It reads the plain case,
every element of its type, and leaves all else, what is wrong included, to `wire.py`, which words it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import simdjson

from pileus.inference.datatypes import DATATYPES

if TYPE_CHECKING:
    from pileus.inference.bundle import Bundle
    from pileus.inference.runtime import Array

WORTH_BYTES = 1024
"""A shorter body is read as fast the other way."""

_TENSOR_FIELDS = 4  # name, shape, datatype and data; with others it is not the plain case


class NumberTensor(NamedTuple):
    """An input of numbers."""

    name: str
    shape: Sequence[int]
    datatype: str
    data: Array


class NumbersReader:
    """Reads the requests of one model."""

    def __init__(self, bundle: Bundle) -> None:
        kinds = {spec.name: _kind(spec.datatype) for spec in bundle.inputs}
        self._kinds = {name: kind for name, kind in kinds.items() if kind is not None}
        self.reads = len(self._kinds) == len(bundle.inputs)
        """Whether all inputs are numbers."""

        self._parsers: list[simdjson.Parser] = []

    def read(self, body: bytes) -> tuple[list[NumberTensor], dict[str, Any]] | None:
        """The inputs, and what a request says beside them; None for what is not the plain case."""
        # A parser's memory is in use until the last part of its document is gone, so no two threads
        # may have the same one.
        parser = self._parsers.pop() if self._parsers else simdjson.Parser()
        try:
            return _read(parser.parse(body), self._kinds)
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
            return None
        finally:
            self._parsers.append(parser)


def _read(
    document: Any,  # noqa: ANN401  an object or array of the parser's
    kinds: Mapping[str, tuple[str, type[Any]]],
) -> tuple[list[NumberTensor], dict[str, Any]] | None:
    tensors = []
    for tensor in document["inputs"]:
        kind, dtype = kinds[tensor["name"]]
        shape = tensor["shape"].as_list()
        if len(tensor) != _TENSOR_FIELDS or any(type(size) is not int for size in shape):
            return None
        data = np.frombuffer(tensor["data"].as_buffer(of_type=kind), dtype=dtype)
        tensors.append(NumberTensor(tensor["name"], shape, tensor["datatype"], data))
    beside = {} if len(document) == 1 else document.as_dict()
    beside.pop("inputs", None)
    return tensors, beside


def _kind(datatype: str) -> tuple[str, type[Any]] | None:
    """What the parser calls numbers of this kind, and what NumPy calls what comes of it."""
    element = DATATYPES[datatype].element
    if element is float:
        return "d", np.float64
    if element is int:
        return ("u", np.uint64) if datatype == "UINT64" else ("i", np.int64)
    return None
