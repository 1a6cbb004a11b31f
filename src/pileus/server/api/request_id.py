"""Gives each request an id, the caller's or a new one, that its answer and every log line carry."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pileus.core.ids import NewId
from pileus.core.logs.context import about
from pileus.core.request_ids import HEADER, OWN_HEADER, PREFIX, well_formed


class RequestId:
    """Middleware; the id is `request.state.request_id`."""

    def __init__(self, app: ASGIApp, new_id: NewId) -> None:
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = well_formed(headers.get(HEADER)) or well_formed(headers.get(OWN_HEADER))
        request_id = given or self._new_id(PREFIX)
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(answer_headers(request_id))
            await send(message)

        with about(request_id=request_id):
            await self._app(scope, receive, send_with_id)


def answer_headers(request_id: str) -> dict[str, str]:
    """The headers that tell a caller the id of its request."""
    return {HEADER: request_id, OWN_HEADER: request_id}
