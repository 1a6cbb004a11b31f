"""Counts each request by the template of its route, and logs it."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pileus.server.api.interrupting import CLIENT_GONE
from pileus.server.api.routing import PREFIX
from pileus.server.services import Services

log = logging.getLogger(__name__)

UNKNOWN = "unknown"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_ROUTINE = ("/nodes", "/attempts", "/gateway", "/health", "/metrics", "/me")
"""Begins the routes that our own processes ask again and again: logged only when they fail."""


class Observing:
    """Middleware around everything but the request's id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        services: Services = scope["app"].state.services
        status = 500
        began = time.monotonic()

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        services.figures.in_flight += 1
        try:
            await self._app(scope, receive, send_noted)
        finally:
            services.figures.in_flight -= 1
            seconds = time.monotonic() - began
            method = scope["method"] if scope["method"] in _METHODS else UNKNOWN
            # What nobody serves has no template, and its path must not become a label.
            route: str = getattr(scope.get("route"), "path_format", UNKNOWN).removeprefix(PREFIX)
            services.figures.answered(route, method, status, seconds)
            is_fine = status < 400 or status == CLIENT_GONE
            level = logging.DEBUG if route.startswith(_ROUTINE) and is_fine else logging.INFO
            if log.isEnabledFor(level):
                log.log(level, "%s %s %d, %.1f ms", method, scope["path"], status, seconds * 1000)
