"""The least that predicts fast: granian, msgspec, one batch of whatever waits, orjson.

No callers, ids, meters or records: what these add is the distance between this and Pileus.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import numpy as np
import orjson

from benchmarks.serving.peers.graph import open_graph

_HEADERS = [("content-type", "application/json")]
_JSON_LENGTH = "inference-header-content-length"


class Tensor(msgspec.Struct):
    """An input; without `data` when its elements come after the JSON."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float] = []


class Request(msgspec.Struct):
    """The body, or the part of it that is JSON."""

    inputs: list[Tensor]


_decoder = msgspec.json.Decoder(Request)
_run = open_graph()
_waiting: list[tuple[Any, asyncio.Future[Any]]] = []


async def read_json(scope: Any, protocol: Any) -> None:  # noqa: ANN401  granian's, which has no types
    """RSGI: bodies of JSON alone."""
    if scope.proto == "http":
        tensor = _decoder.decode(await protocol()).inputs[0]
        rows = np.array(tensor.data, dtype=np.float32).reshape(tensor.shape)
        _respond(protocol, await _predict(rows))


async def read_binary(scope: Any, protocol: Any) -> None:  # noqa: ANN401  see above
    """RSGI: bodies whose elements follow the JSON."""
    if scope.proto == "http":
        body = await protocol()
        length = int(scope.headers[_JSON_LENGTH])
        tensor = _decoder.decode(body[:length]).inputs[0]
        rows = np.frombuffer(body, dtype="<f4", offset=length).reshape(tensor.shape)
        _respond(protocol, await _predict(rows))


def _predict(rows: Any) -> asyncio.Future[Any]:  # noqa: ANN401  an array
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    if not _waiting:
        # Requests that arrive within this turn of the loop are computed together.
        loop.call_soon(_compute)
    _waiting.append((rows, future))
    return future


def _compute() -> None:
    batch = _waiting.copy()
    _waiting.clear()
    computed = _run(np.concatenate([rows for rows, _ in batch]))
    start = 0
    for rows, future in batch:
        end = start + len(rows)
        future.set_result(computed[start:end])
        start = end


def _respond(protocol: Any, probabilities: Any) -> None:  # noqa: ANN401  see above
    output = {
        "name": "probs",
        "shape": probabilities.shape,
        "datatype": "FP32",
        "data": probabilities.ravel(),
    }
    body = orjson.dumps({"model_name": "m", "outputs": [output]}, option=orjson.OPT_SERIALIZE_NUMPY)
    protocol.response_bytes(200, _HEADERS, body)
