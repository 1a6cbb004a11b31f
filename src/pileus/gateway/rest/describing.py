"""Health and metadata."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from pileus.core.figures import CONTENT_TYPE, exposition
from pileus.gateway.descriptions import describe_model, describe_server, index_of
from pileus.gateway.errors import BodyUnreadable, NothingKnown
from pileus.gateway.rest.calls import Call, Reply, json_reply

if TYPE_CHECKING:
    from pileus.gateway.auth import GatewayCaller
    from pileus.gateway.routes import Live
    from pileus.gateway.state import LaneState


async def health_live(_state: LaneState, _call: Call) -> Reply:
    """The process answers."""
    return json_reply({"live": True})


async def health_ready(state: LaneState, _call: Call) -> Reply:
    """Requests are answered, and how old the knowledge behind the answers is."""
    routes = state.routes
    seconds = routes.seconds_since_contact
    document: dict[str, Any] = {
        "ready": state.is_ready,
        "stale": routes.is_stale,
        "seconds_since_server": None if seconds is None else round(seconds, 1),
    }
    return json_reply(document, 200 if state.is_ready else 503)


async def metrics(state: LaneState, _call: Call) -> Reply:
    """Figures of this lane, as Prometheus reads them."""
    # The first time it imports its library, for which no prediction should wait.
    text = await asyncio.to_thread(exposition, state.readings())
    return Reply(200, text, [("content-type", CONTENT_TYPE)])


async def server_metadata(_state: LaneState, _call: Call) -> Reply:
    """Who we are."""
    return json_reply(describe_server())


async def model_metadata(state: LaneState, call: Call) -> Reply:
    """What an endpoint takes and gives."""
    return json_reply(describe_model(find_live(state, call)))


async def model_ready(state: LaneState, call: Call) -> Reply:
    """The endpoint answers inferences."""
    live = find_live(state, call)
    return json_reply({"name": live.route.name, "ready": True})


async def repository_index(state: LaneState, call: Call) -> Reply:
    """The endpoints of the caller's project."""
    body = await call.read_body()
    try:
        only_ready = msgspec.json.decode(body, type=_IndexRequest).ready if body else False
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyUnreadable(
            f"The body is not a request for an index: {error}",
            hint='Send {"ready": true} for what answers, or no body.',
        ) from error
    return json_reply(index_of(state, caller_of(call).project, only_ready=only_ready))


def find_live(state: LaneState, call: Call) -> Live:
    """The revision that the path names, in the caller's project and in no other."""
    project = caller_of(call).project
    return state.routes.find(project, call.params["name"], call.params.get("version"))


def caller_of(call: Call) -> GatewayCaller:
    """Who asks, on a route that is not anonymous."""
    if call.caller is None:
        raise NothingKnown("The gateway lost the caller of this request")
    return call.caller


class _IndexRequest(msgspec.Struct):
    ready: bool = False
