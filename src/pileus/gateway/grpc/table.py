"""Every method that a lane answers over gRPC, and the role that each needs. There is no other list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from pileus.core.schemas.tenancy import Role
from pileus.gateway.grpc.describing import (
    model_metadata,
    model_ready,
    repository_index,
    server_live,
    server_metadata,
    server_ready,
)
from pileus.gateway.grpc.inferring import infer_model

if TYPE_CHECKING:
    from pileus.gateway.grpc.calls import RpcCall
    from pileus.gateway.state import LaneState

Answering = Callable[["LaneState", "RpcCall", Any], Awaitable[bytes]]


class RpcMethod(NamedTuple):
    """One method of the service."""

    name: str
    """The request's message is named like it, with `Request` after it."""

    role: Role | None
    """The least role that may; None for an anonymous method."""

    answer: Answering


METHODS: tuple[RpcMethod, ...] = (
    RpcMethod("ServerLive", None, server_live),
    RpcMethod("ServerReady", None, server_ready),
    RpcMethod("ServerMetadata", Role.VIEWER, server_metadata),
    RpcMethod("ModelReady", Role.VIEWER, model_ready),
    RpcMethod("ModelMetadata", Role.VIEWER, model_metadata),
    RpcMethod("RepositoryIndex", Role.VIEWER, repository_index),
    RpcMethod("ModelInfer", Role.DEVELOPER, infer_model),
)
