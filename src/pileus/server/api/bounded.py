"""Refuses bodies above a limit, announced or not, but of uploads: what they may take is for others to say."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pileus.core.errors import LimitExceeded


class RequestTooLarge(LimitExceeded, code="api_body_too_large"):
    """A request larger than the server takes."""


class BoundedBody:
    """Middleware; paths for which `is_upload` holds pass."""

    def __init__(self, app: ASGIApp, is_upload: Callable[[str], bool], max_body_bytes: int) -> None:
        self._app = app
        self._is_upload = is_upload
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_upload(scope["path"]):
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._max_body_bytes:
            await self._refusal(scope)(scope, receive, send)
            return
        received = 0

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise self._too_large()
            return message

        async def send_bounded(message: Message) -> None:
            # Whatever the application made of a body that was cut, this is what happened.
            if received <= self._max_body_bytes:
                await send(message)

        await self._app(scope, receive_bounded, send_bounded)
        if received > self._max_body_bytes:
            await self._refusal(scope)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse:
        request_id = scope.get("state", {}).get("request_id")
        return JSONResponse({"error": self._too_large().to_wire(request_id)}, status_code=413)

    def _too_large(self) -> RequestTooLarge:
        return RequestTooLarge(
            f"The request is larger than {self._max_body_bytes} bytes",
            hint="Upload large data as blobs.",
        )
