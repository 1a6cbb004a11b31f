"""POST …/infer: the hot path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from pileus.core.errors import PileusError
from pileus.gateway.asked import PREDICTION_ID, Asked
from pileus.gateway.errors import BodyUnreadable
from pileus.gateway.rest.calls import JSON, Call, Reply, error_reply
from pileus.gateway.rest.compression import plain_body
from pileus.gateway.rest.describing import caller_of, find_live
from pileus.gateway.rest.wire import (
    JSON_LENGTH,
    InferRequest,
    ReadRequest,
    RequestDecoder,
    encode_answer,
    json_length,
    timeout_of,
)
from pileus.inference.dataplane import ServedModel, infer, infer_image
from pileus.inference.rows import tensor_of_csv
from pileus.inference.texts import text_tensor

if TYPE_CHECKING:
    from pileus.gateway.routes import Live
    from pileus.gateway.state import LaneState
    from pileus.inference.dataplane import Answer

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_MAY_BE_JSON = (
    "application/json",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
)
"""What clients say of JSON: itself, what aiohttp says of any bytes, what curl says with `-d`."""

_INLINE_BYTES = 256 << 10
"""A body of JSON of this size takes a millisecond or two to read."""

_DECODERS: WeakKeyDictionary[ServedModel, RequestDecoder] = WeakKeyDictionary()
"""The decoder made for a model's signature; gone with the model."""

_OCTETS = ("content-type", "application/octet-stream")


class _Computed(NamedTuple):
    """An answer, and the request that says in which form it is wanted."""

    answer: Answer
    request: InferRequest[Any] | None


async def infer_model(state: LaneState, call: Call) -> Reply:
    """Predict."""
    live = find_live(state, call)
    asked = Asked(state, live, caller_of(call), call.request_id)
    result = await asked.result(_compute(state, live, call, asked))
    # From here to the return nothing waits, so no other request comes between id and record.
    prediction = asked.next_id()
    outcome: Answer | PileusError
    if isinstance(result, PileusError):
        outcome = result
        reply = error_reply(result, call.request_id)
    else:
        outcome, request = result
        body, length = encode_answer(
            live.route.name, live.route.number, prediction, request, outcome.outputs
        )
        if length is None:
            reply = Reply(200, body, [JSON])
        else:
            reply = Reply(200, body, [_OCTETS, (JSON_LENGTH, str(length))])
    reply.headers.append((PREDICTION_ID, prediction))
    asked.finish(prediction, outcome, len(reply.body))
    return reply


async def _compute(state: LaneState, live: Live, call: Call, asked: Asked) -> _Computed:
    body = await call.read_body()
    asked.bytes_in = len(body)
    if (encoding := call.header("content-encoding")) is not None:
        body = await plain_body(body, encoding, state.max_body_bytes)
    timeout = timeout_of(call.header("timeout"))
    asked.expire_after(timeout)
    length = call.header(JSON_LENGTH)
    content_type = call.header("content-type")
    if length is None and content_type is not None and not content_type.startswith(_MAY_BE_JSON):
        content_type = content_type.lower()
        if not content_type.startswith(_MAY_BE_JSON):
            return _Computed(
                await _infer_content(live.model, content_type, body, asked.expires_at), None
            )
    json_bytes = None if length is None else json_length(length, len(body))
    read = await _read(body, _decoder_of(live.model).decode, body, json_bytes)
    request = read.outer
    wanted, parameters = request.wanted(), request.parameters
    if parameters is not None:
        asked.expire_after(timeout, parameters.timeout)
        if parameters.object is not None:
            content = await _object(state, parameters.object, read, asked)
            answer = await infer_image(live.model, content, wanted, asked.expires_at)
            return _Computed(answer, request)
    return _Computed(await infer(live.model, read.inputs, wanted, asked.expires_at), request)


async def _object(state: LaneState, address: str, read: ReadRequest, asked: Asked) -> bytes:
    if read.inputs:
        raise BodyUnreadable(
            "The request has inputs, and names an object too", hint="Send one of the two."
        )
    _, content = await state.objects.fetch(address)
    asked.bytes_in += len(content)
    return content


async def _infer_content(
    model: ServedModel, content_type: str, body: bytes, expires_at: float | None
) -> Answer:
    """The answer to a body that is what people have: an image, rows, a text."""
    if content_type.startswith("image/"):
        return await infer_image(model, body, expires_at=expires_at)
    if content_type.startswith("text/csv"):
        rows = await _read(body, tensor_of_csv, model.bundle, body)
        return await infer(model, [rows], expires_at=expires_at)
    if content_type.startswith("text/plain"):
        return await infer(model, [text_tensor(model.bundle, body)], expires_at=expires_at)
    raise BodyUnreadable(
        f"The gateway does not read a body of {content_type!r} here",
        hint="Send 'application/json', or 'image/png', 'image/jpeg', 'text/csv' or 'text/plain'"
        " where the model takes that.",
    )


async def _read(
    body: bytes,
    reading: Callable[Arguments, Result],
    *words: Arguments.args,
    **named: Arguments.kwargs,
) -> Result:
    """What reading a body gives; in a thread where others would wait for it."""
    if len(body) <= _INLINE_BYTES:
        return reading(*words, **named)
    return await asyncio.to_thread(reading, *words, **named)


def _decoder_of(model: ServedModel) -> RequestDecoder:
    decoder = _DECODERS.get(model)
    if decoder is None:
        decoder = _DECODERS[model] = RequestDecoder(model.bundle)
    return decoder
