"""The same image as each interface wants it: JSON, JSON and raw data, a gRPC frame."""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.serving.protocol import message

if TYPE_CHECKING:
    from benchmarks.serving.model import Graph

JSON_LENGTH = "Inference-Header-Content-Length"

_TOLERANCE = 1e-4


def open_inference(graph: Graph) -> bytes:
    """The protocol's JSON, elements flat."""
    tensor = {**_described(graph), "data": [round(x, 4) for x in graph.image.ravel().tolist()]}
    return json.dumps({"inputs": [tensor]}).encode()


def nested(graph: Graph, name: str) -> bytes:
    """What servers with an own form of JSON take: one named array of arrays."""
    rows = np.vectorize(lambda x: round(float(x), 4), otypes=[object])(graph.image).tolist()
    return json.dumps({name: rows}).encode()


def binary(graph: Graph) -> tuple[bytes, int]:
    """JSON and after it the raw elements, and how many bytes of it are JSON."""
    raw = graph.image.astype("<f4").tobytes()
    tensor = {**_described(graph), "parameters": {"binary_data_size": len(raw)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    return head + raw, len(head)


def grpc_request(graph: Graph, model: str) -> bytes:
    """A ModelInferRequest with raw contents."""
    request = message("ModelInferRequest")(
        model_name=model, raw_input_contents=[graph.image.astype("<f4").tobytes()]
    )
    request.inputs.add(**_described(graph))
    encoded: bytes = request.SerializeToString()
    return encoded


def grpc_frame(encoded: bytes) -> bytes:
    """A message as it is in the body of an HTTP/2 request: not compressed, its length, itself."""
    return struct.pack(">BI", 0, len(encoded)) + encoded


def is_json_answer(graph: Graph, body: bytes) -> bool:
    """True when the floats of the answer are those of the graph, whatever is around them."""
    try:
        found = list(_floats(json.loads(body)))
    except ValueError:
        return False
    return _is_near(found, graph.answer)


def is_grpc_answer(graph: Graph, body: bytes) -> bool:
    """The same of a ModelInferResponse, its contents raw."""
    response = message("ModelInferResponse").FromString(body)
    if len(response.raw_output_contents) != len(response.outputs):
        return False
    for output, raw in zip(response.outputs, response.raw_output_contents, strict=True):
        if output.name == graph.output:
            return _is_near(np.frombuffer(raw, "<f4").tolist(), graph.answer)
    return False


def _described(graph: Graph) -> dict[str, Any]:
    return {"name": graph.input, "shape": list(graph.image.shape), "datatype": "FP32"}


def _floats(value: Any) -> Any:  # noqa: ANN401  a JSON value, and what is in it
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _floats(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _floats(inner)


def _is_near(found: list[float], wanted: list[float]) -> bool:
    return len(found) == len(wanted) and all(
        math.isclose(a, b, abs_tol=_TOLERANCE) for a, b in zip(found, wanted, strict=True)
    )
