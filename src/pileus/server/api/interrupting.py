"""Ends long polls whose answer nobody waits for: when the server stops, whoever waits hears it at once
and asks again later; and when the client has gone, as a node that has news of its own to tell."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pileus.core.errors import Unavailable

CLIENT_GONE = 499
"""As nginx says it; only figures and logs ever see it."""


_MESSAGES = 2
"""So many wait for the application: an empty body that it does not read, and that the client has gone.
More of a long body stays in the connection."""


class ServerStopping(Unavailable, code="server_stopping"):
    """The server is going down and holds no more questions."""


class Interrupting:
    """Middleware; requests that ask to `wait` are given up once `stopping` is set, or nobody listens.

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

        client = _Client(receive)
        answering = asyncio.ensure_future(self._app(scope, client.receive, send_noted))
        leaving = asyncio.ensure_future(client.has_gone())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({answering, leaving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_unheard = leaving.done() and not leaving.cancelled()
            leaving.cancel()
            stopping.cancel()
            # One that is being answered is as good as done.
            is_given_up = not has_begun and answering.cancel()
        try:
            await answering
        except asyncio.CancelledError:
            if not is_given_up or not (is_unheard or self._stopping.is_set()):
                raise
            refusal = Response(status_code=CLIENT_GONE) if is_unheard else _refusal(scope)
            await refusal(scope, receive, send)


class _Client:
    """Who sent the request: its messages go to the application, and then it is listened to."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: asyncio.Queue[Message | Exception] = asyncio.Queue(_MESSAGES)

    async def receive(self) -> Message:
        """The next message, as the application receives it."""
        message = await self._messages.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def has_gone(self) -> None:
        """Return when it has closed the connection; never, when that is not told."""
        is_whole = False
        while True:
            try:
                message = await self._receive()
            except Exception as error:  # noqa: BLE001  such as of a body that is too large
                await self._messages.put(error)
                break
            await self._messages.put(message)
            if message["type"] == "http.disconnect":
                return
            if is_whole:
                break
            is_whole = not message.get("more_body", False)
        await asyncio.get_running_loop().create_future()


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
