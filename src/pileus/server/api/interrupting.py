"""Ends long polls when the server stops: whoever waits hears it at once and asks again later."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pileus.core.errors import Unavailable


class ServerStopping(Unavailable, code="server_stopping"):
    """The server is going down and holds no more questions."""


class Interrupting:
    """Middleware; requests that ask to `wait` are given up once `stopping` is set.

    What they have changed is committed, and what they have not can be asked again: that is how
    long polls are made, for a connection may break at any time.
    """

    def __init__(self, app: ASGIApp, stopping: asyncio.Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _waits(scope):
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        answering = asyncio.ensure_future(self._app(scope, receive, send_noted))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({answering, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            # One that is being answered is as good as done.
            is_given_up = not has_begun and answering.cancel()
        try:
            await answering
        except asyncio.CancelledError:
            if not is_given_up or not self._stopping.is_set():
                raise
            await _refusal(scope)(scope, receive, send)


def _waits(scope: Scope) -> bool:
    if b"wait" not in scope["query_string"]:
        return False
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return query.get("wait", ["0"])[-1] not in {"", "0", "0.0"}


def _refusal(scope: Scope) -> JSONResponse:
    error = ServerStopping(
        "The server is stopping", hint="Ask again in a few seconds; it may be starting again."
    )
    request_id = scope.get("state", {}).get("request_id")
    headers = {"Retry-After": "1", "Connection": "close"}
    return JSONResponse({"error": error.to_wire(request_id)}, status_code=503, headers=headers)
