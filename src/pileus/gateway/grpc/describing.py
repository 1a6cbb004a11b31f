"""Health and metadata over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pileus.core.errors import Unavailable
from pileus.gateway.descriptions import describe_model, describe_server, index_of
from pileus.gateway.grpc.messages import message

if TYPE_CHECKING:
    from pileus.gateway.grpc.calls import RpcCall
    from pileus.gateway.routes import Live
    from pileus.gateway.state import LaneState

_ServerLive = message("ServerLiveResponse")
_ServerReady = message("ServerReadyResponse")
_ModelReady = message("ModelReadyResponse")
_ServerMetadata = message("ServerMetadataResponse")
_ModelMetadata = message("ModelMetadataResponse")
_RepositoryIndex = message("RepositoryIndexResponse")


async def server_live(_state: LaneState, _call: RpcCall, _request: Any) -> bytes:  # noqa: ANN401  a message
    """The process answers."""
    return _bytes(_ServerLive(live=True))


async def server_ready(state: LaneState, _call: RpcCall, _request: Any) -> bytes:  # noqa: ANN401  a message
    """Requests are answered."""
    return _bytes(_ServerReady(ready=state.is_ready))


async def server_metadata(_state: LaneState, _call: RpcCall, _request: Any) -> bytes:  # noqa: ANN401  a message
    """Who we are."""
    return _bytes(_ServerMetadata(**describe_server()))


async def model_ready(state: LaneState, call: RpcCall, request: Any) -> bytes:  # noqa: ANN401  a message
    """The endpoint answers inferences. Raises NotFound for one that does not exist."""
    try:
        find_live(state, call, request.name, request.version)
    except Unavailable:
        return _bytes(_ModelReady(ready=False))
    return _bytes(_ModelReady(ready=True))


async def model_metadata(state: LaneState, call: RpcCall, request: Any) -> bytes:  # noqa: ANN401  a message
    """What an endpoint takes and gives."""
    described = describe_model(find_live(state, call, request.name, request.version))
    for one in (described, *described["inputs"]):
        one.pop("parameters", None)  # the messages have no field for them
    return _bytes(_ModelMetadata(**described))


async def repository_index(state: LaneState, call: RpcCall, request: Any) -> bytes:  # noqa: ANN401  a message
    """The endpoints of the caller's project."""
    models = index_of(state, call.caller.project, only_ready=request.ready)
    return _bytes(_RepositoryIndex(models=models))


def find_live(state: LaneState, call: RpcCall, name: str, version: str) -> Live:
    """The revision that a message names, in the caller's project and in no other."""
    return state.routes.find(call.caller.project, name, version or None)


def _bytes(answer: Any) -> bytes:  # noqa: ANN401  a message
    written: bytes = answer.SerializeToString()
    return written
