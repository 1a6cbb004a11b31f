"""Tensors as the messages carry them: in fields of their type, or raw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pileus.gateway.errors import BodyUnreadable
from pileus.inference.dataplane import AnswerTensor, Wanted
from pileus.inference.datatypes import BYTES
from pileus.inference.errors import InvalidTensor
from pileus.inference.raw import Raw, raw_of

_FIELDS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}
"""Datatype → its field of InferTensorContents. The protocol has none for floats of 16 bits."""

_SHARED_MEMORY = "shared_memory_region"


class MessageTensor(NamedTuple):
    """An input of a message."""

    name: str
    shape: Sequence[int]
    datatype: str
    data: Sequence[Any] | Raw


def inputs_of(request: Any) -> list[MessageTensor]:  # noqa: ANN401  a ModelInferRequest
    """The inputs of a request. Raises BodyUnreadable, InvalidTensor."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise BodyUnreadable(
            f"The request has {len(request.inputs)} inputs, and raw contents of {len(raw)}",
            hint="Send all inputs raw, in their order, or none.",
        )
    return [
        MessageTensor(
            tensor.name,
            tensor.shape,
            tensor.datatype,
            _elements(tensor) if not raw else _raw(tensor, raw[index]),
        )
        for index, tensor in enumerate(request.inputs)
    ]


def wanted_of(request: Any) -> list[Wanted]:  # noqa: ANN401  a ModelInferRequest
    """The outputs to return; all of them when it is empty."""
    return [
        Wanted(output.name, output.parameters["classification"].int64_param)
        if "classification" in output.parameters
        else Wanted(output.name)
        for output in request.outputs
    ]


def add_outputs(response: Any, outputs: Iterable[AnswerTensor], *, raw: bool) -> None:  # noqa: ANN401  a ModelInferResponse
    """Put the outputs into an answer: raw, or in the fields of their types where all have one."""
    outputs = list(outputs)
    raw = raw or any(output.datatype not in _FIELDS for output in outputs)
    for output in outputs:
        tensor = response.outputs.add(
            name=output.name, datatype=output.datatype, shape=output.array.shape
        )
        if raw:
            response.raw_output_contents.append(raw_of(output.datatype, output.array))
            continue
        elements = output.array.ravel().tolist()
        if output.datatype == BYTES:
            elements = [str(element).encode() for element in elements]
        getattr(tensor.contents, _FIELDS[output.datatype]).extend(elements)


def _raw(tensor: Any, raw: bytes) -> bytes:  # noqa: ANN401  an InferInputTensor
    if tensor.HasField("contents"):
        raise InvalidTensor(
            f"Input {tensor.name!r} has contents, and raw contents too", hint="Send one of the two."
        )
    return raw


def _elements(tensor: Any) -> list[Any]:  # noqa: ANN401  an InferInputTensor
    if _SHARED_MEMORY in tensor.parameters:
        raise InvalidTensor(
            f"Input {tensor.name!r} is in shared memory, which this gateway does not read",
            hint="Send its elements in the request.",
        )
    field = _FIELDS.get(tensor.datatype)
    if field is None:
        raise InvalidTensor(
            f"Input {tensor.name!r} of {tensor.datatype!r} has no raw contents",
            hint=f"Only {', '.join(_FIELDS)} have fields of their own; send others raw.",
        )
    filled = [descriptor.name for descriptor, _ in tensor.contents.ListFields()]
    if filled not in ([], [field]):
        raise InvalidTensor(
            f"Input {tensor.name!r} of {tensor.datatype!r} has its elements in {filled!r}",
            hint=f"Elements of {tensor.datatype!r} go into {field!r}.",
        )
    elements = list(getattr(tensor.contents, field))
    if tensor.datatype != BYTES:
        return elements
    try:
        return [element.decode() for element in elements]
    except UnicodeDecodeError as error:
        raise InvalidTensor(
            f"Input {tensor.name!r} has an element that is not UTF-8: {error.reason}",
            hint="Send UTF-8.",
        ) from error
