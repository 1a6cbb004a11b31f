"""The FastAPI application: routers, error handlers, request ids, body limits."""

from __future__ import annotations

import re

from fastapi import APIRouter, FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pileus import __version__
from pileus.core.errors import LimitExceeded
from pileus.core.ids import NewId
from pileus.server.api import (
    blobs,
    datasets,
    endpoints,
    errors,
    gateways,
    health,
    jobs,
    models,
    money,
    nodes,
    projects,
)
from pileus.server.services import Services

PREFIX = "/api/v1"
REQUEST_ID = "Pileus-Request-Id"
ANONYMOUS = {f"{PREFIX}/health", "/openapi.json", "/docs", "/redoc", "/docs/oauth2-redirect"}
"""Paths that need no token; every other one does."""

_SAFE_ID = re.compile(r"^[A-Za-z0-9_.-]{1,80}$")
_UPLOAD = re.compile(rf"^{PREFIX}/projects/[^/]+/blobs/[0-9a-f]{{64}}$")
ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    projects.router,
    blobs.router,
    datasets.router,
    jobs.router,
    models.router,
    endpoints.router,
    money.router,
    nodes.router,
    gateways.router,
)


class RequestTooLarge(LimitExceeded, code="api_body_too_large"):
    """A request larger than the server takes."""


def create_app(services: Services, new_id: NewId, max_body_bytes: int) -> FastAPI:
    """The application over `services`."""
    app = FastAPI(title="Pileus", version=__version__, summary="The AI cloud you own.")
    app.state.services = services
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    errors.install(app)
    app.add_middleware(Envelope, new_id=new_id, max_body_bytes=max_body_bytes)
    return app


class Envelope:
    """Gives each request an id, taken from the caller or made here, and bounds its body."""

    def __init__(self, app: ASGIApp, new_id: NewId, max_body_bytes: int) -> None:
        self._app = app
        self._new_id = new_id
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID, "")
        request_id = given if _SAFE_ID.match(given) else self._new_id("req")
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        if _UPLOAD.match(scope["path"]):
            await self._app(scope, receive, send_with_id)
            return
        too_large = RequestTooLarge(
            f"The request is larger than {self._max_body_bytes} bytes",
            hint="Upload large data as blobs.",
        )
        refusal = JSONResponse({"error": too_large.to_wire(request_id)}, status_code=413)
        announced = headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._max_body_bytes:
            await refusal(scope, receive, send_with_id)
            return
        received = 0

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise too_large
            return message

        await self._app(scope, receive_bounded, send_with_id)
