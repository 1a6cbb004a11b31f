"""POST …/infer: the hot path. Metered and recorded before the answer leaves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from pileus.core.errors import PileusError
from pileus.core.failpoints import failpoint
from pileus.gateway.errors import BodyUnreadable
from pileus.gateway.meter_file import MeterKey
from pileus.gateway.rest.calls import JSON, PREDICTION_ID, Call, Reply, error_reply
from pileus.gateway.rest.describing import caller_of, find_live
from pileus.gateway.rest.wire import encode_answer, read_object_request
from pileus.inference.dataplane import infer, infer_image

if TYPE_CHECKING:
    from pileus.gateway.rest.state import LaneState
    from pileus.gateway.routes import Live
    from pileus.inference.dataplane import Answer

log = logging.getLogger(__name__)

_JSON = "application/json"
_BINARY_EXTENSION = "inference-header-content-length"


class _Result(NamedTuple):
    """How an inference went, before it has an id."""

    answer: Answer | None
    request_id: str | None
    error: PileusError | None
    bytes_in: int


async def infer_model(state: LaneState, call: Call) -> Reply:
    """Predict. Only what reached an endpoint is metered."""
    live = find_live(state, call)
    caller = caller_of(call)
    route = live.route
    slot = state.meters.slot(MeterKey(caller.project, caller.token, route.revision, route.price.id))
    started = state.clock.monotonic()
    result = await _compute(state, live, call)
    # From here to the return nothing waits, so no other request comes between id and record.
    prediction = state.records.next_id(caller.project)
    if result.answer is not None:
        body = encode_answer(
            route.name, route.number, prediction, result.request_id, result.answer.outputs
        )
        reply = Reply(200, body, [JSON])
    else:
        error = result.error or PileusError("internal error")
        reply = error_reply(error, call.request_id)
    reply.headers.append((PREDICTION_ID, prediction))
    answer = result.answer
    slot.advance(
        predictions=answer.rows if answer is not None else 0,
        bytes_in=result.bytes_in,
        bytes_out=len(reply.body),
        errors=0 if answer is not None else 1,
    )
    failpoint("prediction.metered")
    elapsed = state.clock.monotonic() - started
    record = _record(state, live, call, prediction, result, len(reply.body), elapsed)
    state.records.append(caller.project, record)
    failpoint("prediction.recorded")
    outcome = _outcome(result)
    state.figures.predicted(route.revision, outcome, elapsed, answer.batch if answer else 0)
    if state.prediction_log.may():
        log.info(
            "%s by %r revision %d: %s in %.1f ms",
            *(prediction, route.name, route.number, outcome, elapsed * 1000),
            extra={"request_id": call.request_id, "project": route.project},
        )
    return reply


async def _compute(state: LaneState, live: Live, call: Call) -> _Result:
    bytes_in = 0
    try:
        body = await call.read_body()
        bytes_in = len(body)
        content_type = (call.header("content-type") or _JSON).lower()
        if content_type.startswith("image/"):
            answer = await infer_image(live.model, body)
            return _Result(answer, None, None, bytes_in)
        _check_json(content_type, call)
        named = read_object_request(body)
        if named is not None:
            _, content = await state.objects.fetch(named.reference)
            bytes_in += len(content)
            answer = await infer_image(live.model, content, named.outputs)
            return _Result(answer, named.id, None, bytes_in)
        request = state.decoder_of(live.model).decode(body)
        wanted = [output.name for output in request.outputs or ()]
        answer = await infer(live.model, request.inputs, wanted)
    except PileusError as error:
        return _Result(None, None, error, bytes_in)
    except ConnectionError:
        raise  # the client is gone: nobody to answer
    except Exception:
        about = {"request_id": call.request_id, "project": live.route.project}
        log.exception(
            "internal error while predicting with revision %s", live.route.revision, extra=about
        )
        return _Result(None, None, PileusError("internal error"), bytes_in)
    return _Result(answer, request.id, None, bytes_in)


def _check_json(content_type: str, call: Call) -> None:
    if not content_type.startswith(_JSON) or call.header(_BINARY_EXTENSION) is not None:
        raise BodyUnreadable(
            f"The gateway does not read a body of {content_type!r} here",
            hint="Send 'application/json', or an image as 'image/png' or 'image/jpeg'.",
        )


def _record(
    state: LaneState,
    live: Live,
    call: Call,
    prediction: str,
    result: _Result,
    bytes_out: int,
    elapsed: float,
) -> bytes:
    route, answer, caller = live.route, result.answer, caller_of(call)
    document: dict[str, Any] = {
        "id": prediction,
        "request_id": call.request_id,
        "at": state.clock.now(),
        "project": route.project,
        "endpoint": route.endpoint,
        "revision": route.revision,
        "model_version": route.model_version_id,
        "principal": caller.principal,
        "token": caller.token,
        "outcome": _outcome(result),
        "latency_us": round(elapsed * 1e6),
        "batch": answer.batch if answer is not None else 0,
        "rows": answer.rows if answer is not None else 0,
        "bytes_in": result.bytes_in,
        "bytes_out": bytes_out,
        "price": {"micro": route.price.micro, "exponent": route.price.exponent},
    }
    return orjson.dumps(document)


def _outcome(result: _Result) -> str:
    return "ok" if result.error is None else result.error.code
