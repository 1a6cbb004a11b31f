"""Requests and answers of the protocol as they are on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec
import orjson

from pileus.gateway.errors import BodyUnreadable
from pileus.inference.datatypes import DATATYPES
from pileus.inference.errors import InvalidTensor

if TYPE_CHECKING:
    from pileus.inference.bundle import Bundle, InputSpec
    from pileus.inference.dataplane import AnswerTensor

Element = TypeVar("Element")

_MAX_DEPTH = 32
_SCHEMA_HINT = 'Send {"inputs": [{"name", "shape", "datatype", "data"}, …]}.'
_MISSING_HINT = "JSON has no NaN: send null for a missing feature."
_NOT_JSON_NUMBER = re.compile(rb"\b(NaN|Infinity)\b")


class WireTensor(msgspec.Struct, Generic[Element], gc=False):
    """An input, its elements flat."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Element]


class RequestedOutput(msgspec.Struct):
    """An output that the caller wants."""

    name: str


class InferRequest(msgspec.Struct, Generic[Element]):
    """The body of an inference."""

    inputs: list[WireTensor[Element]]
    id: str | None = None
    outputs: list[RequestedOutput] | None = None


class _LooseTensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    data: Any
    parameters: dict[str, Any] | None = None


class _LooseRequest(msgspec.Struct):
    inputs: list[_LooseTensor]
    id: str | None = None
    outputs: list[RequestedOutput] | None = None


class RequestDecoder:
    """Decodes requests for one model: one pass when the data is flat and of the right type."""

    def __init__(self, bundle: Bundle) -> None:
        self._elements = {spec.name: _element(spec) for spec in bundle.inputs}
        kinds = set(self._elements.values())
        self._strict: msgspec.json.Decoder[InferRequest[Any]] | None = None
        if len(kinds) == 1:
            self._strict = msgspec.json.Decoder(InferRequest[kinds.pop()])  # type: ignore[misc]

    def decode(self, body: bytes) -> InferRequest[Any]:
        """The request, every element checked for its type. Raises BodyUnreadable, InvalidTensor."""
        if self._strict is not None:
            try:
                return self._strict.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass  # nested data, or an error that the slow way words better
        return self._decode_loose(body)

    def _decode_loose(self, body: bytes) -> InferRequest[Any]:
        try:
            loose = _LOOSE.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            hint = _MISSING_HINT if _NOT_JSON_NUMBER.search(body) else _SCHEMA_HINT
            raise BodyUnreadable(
                f"The body is not an inference request: {error}", hint=hint
            ) from error
        inputs = [self._tensor(tensor) for tensor in loose.inputs]
        return InferRequest(inputs, loose.id, loose.outputs)

    def _tensor(self, tensor: _LooseTensor) -> WireTensor[Any]:
        if "binary_data_size" in (tensor.parameters or {}):
            raise InvalidTensor(
                f"Input {tensor.name!r} announces binary data, which this gateway does not take",
                hint="Send the elements as JSON in 'data'.",
            )
        if not isinstance(tensor.data, list):
            raise InvalidTensor(
                f"Input {tensor.name!r} has {type(tensor.data).__name__} as 'data'",
                hint="'data' is an array of elements.",
            )
        flat = list(_flatten(tensor.name, tensor.data, 0))
        element = self._elements.get(tensor.name, Any)
        try:
            data = msgspec.convert(flat, list[element])  # type: ignore[valid-type]
        except msgspec.ValidationError as error:
            raise InvalidTensor(
                f"Input {tensor.name!r} has an element of another type in 'data': {error}",
                hint=f"Elements of {tensor.datatype!r} are {_spelling(tensor.datatype)}.",
            ) from error
        return WireTensor(tensor.name, tensor.shape, tensor.datatype, data)


class _ObjectParameters(msgspec.Struct):
    object: str | None = None


class _ObjectRequest(msgspec.Struct):
    parameters: _ObjectParameters | None = None
    inputs: list[Any] | None = None
    id: str | None = None
    outputs: list[RequestedOutput] | None = None


class ObjectRequest(NamedTuple):
    """A request that names an object instead of carrying inputs."""

    reference: str
    id: str | None
    outputs: list[str]


def read_object_request(body: bytes) -> ObjectRequest | None:
    """The object that a body names; None if it names none. Raises BodyUnreadable."""
    if b'"object"' not in body:
        return None
    try:
        request = _OBJECT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # the decoder of the model words it
    if request.parameters is None or request.parameters.object is None:
        return None
    if request.inputs:
        raise BodyUnreadable(
            "The request has inputs, and names an object too", hint="Send one of the two."
        )
    outputs = [output.name for output in request.outputs or ()]
    return ObjectRequest(request.parameters.object, request.id, outputs)


def encode_answer(
    endpoint: str,
    number: int,
    prediction: str,
    request_id: str | None,
    outputs: Iterable[AnswerTensor],
) -> bytes:
    """The body of an answer."""
    document: dict[str, Any] = {
        "model_name": endpoint,
        "model_version": str(number),
        "parameters": {"prediction_id": prediction},
        "outputs": [
            {
                "name": output.name,
                "datatype": output.datatype,
                "shape": output.array.shape,
                "data": output.array.ravel()
                if output.datatype != "BYTES"
                else output.array.ravel().tolist(),
            }
            for output in outputs
        ],
    }
    if request_id is not None:
        document["id"] = request_id
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


_LOOSE = msgspec.json.Decoder(_LooseRequest)
_OBJECT = msgspec.json.Decoder(_ObjectRequest)


def _element(spec: InputSpec) -> object:
    element = DATATYPES[spec.datatype].element
    return float | None if element is float and spec.content == "row" else element


def _flatten(name: str, data: Sequence[Any], depth: int) -> Iterable[Any]:
    if depth > _MAX_DEPTH:
        raise InvalidTensor(
            f"Input {name!r} nests its data deeper than {_MAX_DEPTH} arrays",
            hint="Send 'data' flat, or nested as its shape says.",
        )
    for element in data:
        if isinstance(element, list):
            yield from _flatten(name, element, depth + 1)
        else:
            yield element


def _spelling(datatype: str) -> str:
    if datatype == "BOOL":
        return "true or false"
    if datatype == "BYTES":
        return "strings"
    return "numbers" if datatype.startswith("FP") else "whole numbers"
