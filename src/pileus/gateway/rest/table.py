"""Every path that a lane answers, and the role that each needs. There is no other list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from pileus.core.schemas.tenancy import Role
from pileus.gateway.rest.describing import (
    health_live,
    health_ready,
    metrics,
    model_metadata,
    model_ready,
    repository_index,
    server_metadata,
)
from pileus.gateway.rest.inferring import infer_model

if TYPE_CHECKING:
    from pileus.gateway.rest.calls import Call, Reply
    from pileus.gateway.state import LaneState

Answering = Callable[["LaneState", "Call"], Awaitable["Reply"]]


class RestRoute(NamedTuple):
    """One method of one path."""

    method: str
    pattern: str
    """`{x}` captures one segment of the path."""

    role: Role | None
    """The least role that may; None for an anonymous route."""

    answer: Answering

    is_for_operators: bool = False
    """About the whole installation: for its operators and the scrape token alone."""


ROUTES: tuple[RestRoute, ...] = (
    RestRoute("GET", "/v2/health/live", None, health_live),
    RestRoute("GET", "/v2/health/ready", None, health_ready),
    RestRoute("GET", "/metrics", Role.VIEWER, metrics, is_for_operators=True),
    RestRoute("GET", "/v2", Role.VIEWER, server_metadata),
    RestRoute("POST", "/v2/repository/index", Role.VIEWER, repository_index),
    RestRoute("GET", "/v2/models/{name}", Role.VIEWER, model_metadata),
    RestRoute("GET", "/v2/models/{name}/versions/{version}", Role.VIEWER, model_metadata),
    RestRoute("GET", "/v2/models/{name}/ready", Role.VIEWER, model_ready),
    RestRoute("GET", "/v2/models/{name}/versions/{version}/ready", Role.VIEWER, model_ready),
    RestRoute("POST", "/v2/models/{name}/infer", Role.DEVELOPER, infer_model),
    RestRoute("POST", "/v2/models/{name}/versions/{version}/infer", Role.DEVELOPER, infer_model),
)
