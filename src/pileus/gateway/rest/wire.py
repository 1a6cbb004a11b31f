"""
Requests and answers of the protocol as they are on the wire.

A body is JSON, or JSON and after it the raw data of tensors, in the order in which the JSON names
them. Source: the Open Inference Protocol v2, "HTTP/REST" and "Binary Tensor Data Extension".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec
import numpy as np
import orjson

from pileus.gateway.errors import BodyUnreadable
from pileus.gateway.rest.numbers import WORTH_BYTES, NumbersReader
from pileus.inference.dataplane import Wanted
from pileus.inference.datatypes import BF16, BYTES, DATATYPES
from pileus.inference.errors import InvalidTensor
from pileus.inference.raw import Raw, raw_of
from pileus.inference.rows import takes_rows, tensor_of_json

if TYPE_CHECKING:
    from pileus.inference.bundle import Bundle, InputSpec
    from pileus.inference.dataplane import AnswerTensor
    from pileus.inference.signature import RequestTensor

Element = TypeVar("Element")

JSON_LENGTH = "inference-header-content-length"
"""The header that says how many bytes of a body are JSON, where raw data comes after them."""

_MAX_DEPTH = 32
_SCHEMA_HINT = 'Send {"inputs": [{"name", "shape", "datatype", "data"}, …]}.'
_MISSING_HINT = "JSON has no NaN: send null for a missing feature."
_NOT_JSON_NUMBER = re.compile(rb"\b(NaN|Infinity)\b")


class TensorParameters(msgspec.Struct):
    """What a request may say of an input or of an output; what is not here is not looked at."""

    binary_data_size: int | None = None
    binary_data: bool | None = None
    classification: int = 0
    shared_memory_region: str | None = None


class WireTensor(msgspec.Struct, Generic[Element], gc=False):
    """An input, its elements flat; none of them when the data is raw."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Element] = msgspec.field(default_factory=list)
    parameters: TensorParameters | None = None


class RequestedOutput(msgspec.Struct):
    """An output that the caller wants."""

    name: str
    parameters: TensorParameters | None = None


class RequestParameters(msgspec.Struct):
    """What a request may say of itself."""

    binary_data_output: bool = False
    timeout: int | None = None
    """Microseconds after which nobody wants the answer."""

    object: str | None = None
    """The address of what the gateway is to fetch instead of inputs."""


class InferRequest(msgspec.Struct, Generic[Element]):
    """The body of an inference."""

    inputs: list[WireTensor[Element]] = msgspec.field(default_factory=list)
    id: str | None = None
    outputs: list[RequestedOutput] | None = None
    parameters: RequestParameters | None = None

    def wanted(self) -> Sequence[Wanted]:
        """The outputs to return; all of them when it is empty."""
        return [
            Wanted(one.name, one.parameters.classification if one.parameters else 0)
            for one in self.outputs or ()
        ]

    def is_raw(self, output: str) -> bool:
        """Whether this output's data comes after the JSON."""
        for one in self.outputs or ():
            if one.name == output and one.parameters is not None:
                if one.parameters.binary_data is not None:
                    return one.parameters.binary_data
                break
        return self.parameters is not None and self.parameters.binary_data_output


class RawTensor(NamedTuple):
    """An input whose elements came after the JSON."""

    name: str
    shape: Sequence[int]
    datatype: str
    data: Sequence[Any] | Raw


class ReadRequest(NamedTuple):
    """A request whose inputs are ready to be checked."""

    inputs: Sequence[RequestTensor]
    outer: InferRequest[Any]


class RequestDecoder:
    """Decodes requests for one model: one pass when the data is flat and of the right type."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._takes_rows = takes_rows(bundle)
        self._numbers = NumbersReader(bundle)
        self._elements = {spec.name: _element(spec) for spec in bundle.inputs}
        kinds = set(self._elements.values())
        self._strict: msgspec.json.Decoder[InferRequest[Any]] | None = None
        if len(kinds) == 1:
            self._strict = msgspec.json.Decoder(InferRequest[kinds.pop()])  # type: ignore[misc]

    def decode(self, body: bytes, json_bytes: int | None = None) -> ReadRequest:
        """The request, every element checked for its type; raw data begins after `json_bytes`.

        A body that is not of the protocol may be rows, for a model that takes rows of names.
        Raises BodyUnreadable, InvalidTensor.
        """
        if json_bytes is None and len(body) >= WORTH_BYTES and self._numbers.reads:
            read = self._read_numbers(body)
            if read is not None:
                return read
        if json_bytes == 0:
            return self._raw_alone(body)
        request = self._decode_json(body if json_bytes is None else body[:json_bytes])
        if request is None:
            return ReadRequest([tensor_of_json(self._bundle, body)], InferRequest[Any]())
        raw = memoryview(body)[json_bytes:] if json_bytes is not None else None
        if raw is None and all(tensor.parameters is None for tensor in request.inputs):
            return ReadRequest(request.inputs, request)
        return ReadRequest(_with_raw(request.inputs, raw), request)

    def _read_numbers(self, body: bytes) -> ReadRequest | None:
        read = self._numbers.read(body)
        if read is None or not read[0]:
            return None
        if not read[1]:
            return ReadRequest(read[0], _NOTHING_BESIDE)
        try:
            return ReadRequest(read[0], msgspec.convert(read[1], InferRequest[Any]))
        except msgspec.ValidationError:
            return None  # the decoder words it

    def _decode_json(self, body: bytes) -> InferRequest[Any] | None:
        """None for what may be rows."""
        if self._strict is not None:
            try:
                request = self._strict.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass  # nested data, or an error that the slow way words better
            else:
                if request.inputs or not self._takes_rows or _names_object(request):
                    return request
        if self._takes_rows and _may_be_rows(body):
            return None
        return self._decode_loose(body)

    def _decode_loose(self, body: bytes) -> InferRequest[Any]:
        try:
            request = _LOOSE.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            hint = _MISSING_HINT if _NOT_JSON_NUMBER.search(body) else _SCHEMA_HINT
            raise BodyUnreadable(
                f"The body is not an inference request: {error}", hint=hint
            ) from error
        for tensor in request.inputs:
            tensor.data = self._elements_of(tensor)
        return request

    def _elements_of(self, tensor: WireTensor[Any]) -> list[Any]:
        flat = list(_flatten(tensor.name, tensor.data, 0))
        element = self._elements.get(tensor.name, Any)
        try:
            data: list[Any] = msgspec.convert(flat, list[element])  # type: ignore[valid-type]
        except msgspec.ValidationError as error:
            raise InvalidTensor(
                f"Input {tensor.name!r} has an element of another type in 'data': {error}",
                hint=f"Elements of {tensor.datatype!r} are {_spelling(tensor.datatype)}.",
            ) from error
        return data

    def _raw_alone(self, body: bytes) -> ReadRequest:
        """A body without JSON is one row of the model's only input."""
        spec = self._bundle.inputs[0]
        shape = [1 if spec.shape[0] == -1 else spec.shape[0], *spec.shape[1:]]
        if len(self._bundle.inputs) > 1 or min(shape) < 0:
            raise BodyUnreadable(
                f"A body of raw data alone does not tell which of {list(self._elements)!r} it is,"
                " or of which shape",
                hint=f"Send JSON before it, and its length as {JSON_LENGTH.title()!r}.",
            )
        data: Sequence[Any] | Raw = body
        if spec.datatype == BYTES:  # by the protocol one element, without its length
            try:
                data = [body.decode()]
            except UnicodeDecodeError as error:
                raise InvalidTensor(
                    f"Input {spec.name!r} is not UTF-8: {error.reason}", hint="Send UTF-8."
                ) from error
        outer = InferRequest[Any](parameters=RequestParameters(binary_data_output=True))
        return ReadRequest([RawTensor(spec.name, shape, spec.datatype, data)], outer)


def json_length(text: str, body_bytes: int) -> int:
    """What the header says, if it can be. Raises BodyUnreadable."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 18 or int(text) > body_bytes:
        raise BodyUnreadable(
            f"{JSON_LENGTH.title()} is {text[:40]!r}; the body has {body_bytes} bytes",
            hint="It is the number of bytes of JSON at the start of the body.",
        )
    return int(text)


def timeout_of(header: str | None) -> int | None:
    """The microseconds that a header says. Raises BodyUnreadable."""
    if header is None:
        return None
    if not (header.isascii() and header.isdecimal()) or len(header) > 18:
        raise BodyUnreadable(
            f"The header Timeout is {header[:40]!r}", hint="It is a number of microseconds."
        )
    return int(header)


def encode_answer(
    endpoint: str,
    number: int,
    prediction: str,
    request: InferRequest[Any] | None,
    outputs: Iterable[AnswerTensor],
) -> tuple[bytes, int | None]:
    """The body of an answer, and the length of its JSON if raw data comes after that."""
    described: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for output in outputs:
        array = output.array
        one: dict[str, Any] = {
            "name": output.name,
            "datatype": output.datatype,
            "shape": array.shape,
        }
        if request is not None and request.is_raw(output.name):
            raw.append(raw_of(output.datatype, array))
            one["parameters"] = {"binary_data_size": len(raw[-1])}
        elif output.datatype == BYTES:
            one["data"] = array.ravel().tolist()
        else:
            one["data"] = (array.astype(np.float32) if output.datatype == BF16 else array).ravel()
        described.append(one)
    document: dict[str, Any] = {
        "model_name": endpoint,
        "model_version": str(number),
        "parameters": {"prediction_id": prediction},
        "outputs": described,
    }
    if request is not None and request.id is not None:
        document["id"] = request.id
    text = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    return (b"".join((text, *raw)), len(text)) if raw else (text, None)


class _Outline(msgspec.Struct):
    inputs: msgspec.Raw | None = None


# Nobody writes to it; a new one of a generic class would take as long as all that is in it.
_NOTHING_BESIDE: InferRequest[Any] = InferRequest()
_LOOSE = msgspec.json.Decoder(InferRequest[Any])
_OUTLINE = msgspec.json.Decoder(_Outline | list[msgspec.Raw])


def _names_object(request: InferRequest[Any]) -> bool:
    return request.parameters is not None and request.parameters.object is not None


def _may_be_rows(body: bytes) -> bool:
    """Whether a body is an array, or an object without the protocol's own field."""
    try:
        outline = _OUTLINE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False  # whoever decodes it next words it
    return isinstance(outline, list) or outline.inputs is None


def _with_raw(tensors: Sequence[WireTensor[Any]], raw: memoryview | None) -> list[RequestTensor]:
    """The inputs, each with its part of the raw data. Raises BodyUnreadable, InvalidTensor."""
    read: list[RequestTensor] = []
    position = 0
    for tensor in tensors:
        parameters = tensor.parameters
        if parameters is not None and parameters.shared_memory_region is not None:
            raise InvalidTensor(
                f"Input {tensor.name!r} is in shared memory, which this gateway does not read",
                hint="Send its elements in the body.",
            )
        if parameters is None or (size := parameters.binary_data_size) is None:
            read.append(tensor)
            continue
        if raw is None or tensor.data:
            raise InvalidTensor(
                f"Input {tensor.name!r} announces {size} bytes of raw data"
                + (", and has elements in 'data' too" if tensor.data else ""),
                hint=f"Raw data comes after the JSON, whose length is {JSON_LENGTH.title()!r}.",
            )
        if size < 0 or position + size > len(raw):
            raise BodyUnreadable(
                f"Input {tensor.name!r} announces {size} bytes; {len(raw) - position} are left",
                hint="'binary_data_size' counts the bytes of this input after the JSON.",
            )
        part = raw[position : position + size]
        read.append(RawTensor(tensor.name, tensor.shape, tensor.datatype, part))
        position += size
    if raw is not None and position != len(raw):
        raise BodyUnreadable(
            f"{len(raw) - position} bytes after the JSON belong to no input",
            hint="Each input with raw data says its 'binary_data_size'.",
        )
    return read


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
    if datatype == BYTES:
        return "strings"
    return "numbers" if datatype.startswith(("FP", "BF")) else "whole numbers"
