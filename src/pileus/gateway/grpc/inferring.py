"""ModelInfer: the hot path over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pileus.core.errors import PileusError
from pileus.gateway.asked import PREDICTION_ID, Asked
from pileus.gateway.errors import BodyUnreadable
from pileus.gateway.grpc.calls import CallFailed
from pileus.gateway.grpc.describing import find_live
from pileus.gateway.grpc.messages import message
from pileus.gateway.grpc.tensors import add_outputs, inputs_of, wanted_of
from pileus.inference.dataplane import infer, infer_image

if TYPE_CHECKING:
    from pileus.gateway.grpc.calls import RpcCall
    from pileus.gateway.routes import Live
    from pileus.gateway.state import LaneState
    from pileus.inference.dataplane import Answer

_Response = message("ModelInferResponse")


async def infer_model(state: LaneState, call: RpcCall, request: Any) -> bytes:  # noqa: ANN401  a message
    """Predict. Raises CallFailed for what reached an endpoint."""
    live = find_live(state, call, request.model_name, request.model_version)
    asked = Asked(state, live, call.caller, call.request_id)
    asked.bytes_in = call.size
    result = await asked.result(_compute(state, live, request, asked))
    # From here to the return nothing waits, so no other request comes between id and record.
    prediction = asked.next_id()
    call.trailers.append((PREDICTION_ID, prediction))
    if isinstance(result, PileusError):
        asked.finish(prediction, result, 0)
        raise CallFailed(result)
    response = _Response(
        model_name=live.route.name, model_version=str(live.route.number), id=request.id
    )
    response.parameters["prediction_id"].string_param = prediction
    add_outputs(response, result.outputs, raw=len(request.raw_input_contents) > 0)
    written: bytes = response.SerializeToString()
    asked.finish(prediction, result, len(written))
    return written


async def _compute(state: LaneState, live: Live, request: Any, asked: Asked) -> Answer:  # noqa: ANN401  a message
    wanted = wanted_of(request)
    if "timeout" in request.parameters:
        asked.expire_after(request.parameters["timeout"].int64_param)
    if "object" not in request.parameters:
        return await infer(live.model, inputs_of(request), wanted, asked.expires_at)
    if request.inputs:
        raise BodyUnreadable(
            "The request has inputs, and names an object too", hint="Send one of the two."
        )
    _, content = await state.objects.fetch(request.parameters["object"].string_param)
    asked.bytes_in += len(content)
    return await infer_image(live.model, content, wanted, asked.expires_at)
