"""GET routes: health and metadata."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pileus import __version__
from pileus.core.figures import CONTENT_TYPE, exposition
from pileus.gateway.errors import NothingKnown
from pileus.gateway.rest.calls import Call, Reply, json_reply
from pileus.inference.labels import NAME as LABEL

if TYPE_CHECKING:
    from pileus.gateway.auth import GatewayCaller
    from pileus.gateway.rest.state import LaneState
    from pileus.gateway.routes import Live

PLATFORM = "onnx_onnxv1"


async def health_live(_state: LaneState, _call: Call) -> Reply:
    """The process answers."""
    return json_reply({"live": True})


async def health_ready(state: LaneState, _call: Call) -> Reply:
    """Requests are answered, and how old the knowledge behind the answers is."""
    routes = state.routes
    is_ready = routes.is_known and not state.is_draining
    seconds = routes.seconds_since_contact
    document: dict[str, Any] = {
        "ready": is_ready,
        "stale": routes.is_stale,
        "seconds_since_server": None if seconds is None else round(seconds, 1),
    }
    return json_reply(document, 200 if is_ready else 503)


async def metrics(state: LaneState, _call: Call) -> Reply:
    """Figures of this lane, as Prometheus reads them."""
    # The first time it imports its library, for which no prediction should wait.
    text = await asyncio.to_thread(exposition, state.readings())
    return Reply(200, text, [("content-type", CONTENT_TYPE)])


async def server_metadata(_state: LaneState, _call: Call) -> Reply:
    """Who we are."""
    return json_reply({"name": "pileus", "version": __version__, "extensions": []})


async def model_metadata(state: LaneState, call: Call) -> Reply:
    """What an endpoint takes and gives."""
    live = find_live(state, call)
    bundle = live.model.bundle
    outputs = [_tensor(spec.name, spec.datatype, spec.shape) for spec in bundle.outputs]
    if live.model.labels is not None:
        outputs.append(_tensor(LABEL, "BYTES", (-1,)))
    return json_reply(
        {
            "name": live.route.name,
            "versions": [str(live.route.number)],
            "platform": PLATFORM,
            "inputs": [_tensor(spec.name, spec.datatype, spec.shape) for spec in bundle.inputs],
            "outputs": outputs,
            "parameters": {
                "model": f"{live.route.model}:{live.route.model_version}",
                "revision": live.route.revision,
            },
        }
    )


async def model_ready(state: LaneState, call: Call) -> Reply:
    """The endpoint answers inferences."""
    live = find_live(state, call)
    return json_reply({"name": live.route.name, "ready": True})


def find_live(state: LaneState, call: Call) -> Live:
    """The revision that the path names, in the caller's project and in no other."""
    project = caller_of(call).project
    return state.routes.find(project, call.params["name"], call.params.get("version"))


def caller_of(call: Call) -> GatewayCaller:
    """Who asks, on a route that is not anonymous."""
    if call.caller is None:
        raise NothingKnown("The gateway lost the caller of this request")
    return call.caller


def _tensor(name: str, datatype: str, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": list(shape)}
