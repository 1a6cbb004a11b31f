"""One lane: granian's server in this process's own event loop, in front of the REST interface."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from granian._granian import RSGIProtocolClosed
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from pileus.gateway.errors import BodyTooLarge, BodyUnreadable, PortTaken
from pileus.gateway.rest.calls import Call

if TYPE_CHECKING:
    from granian._granian import RSGIHTTPProtocol
    from granian.rsgi import Scope

    from pileus.gateway.rest.application import RestApplication

log = logging.getLogger(__name__)

_BACKLOG = 1024

_LOGGING: dict[str, Any] = {"incremental": True, "handlers": {}, "loggers": {"_granian": {}}}
"""Granian's lines go where ours go. By itself it would close every handler that there is."""

_BOUNDED_BODY_SECONDS = 60.0


class Lane:
    """Listens, bounds bodies, drains."""

    def __init__(
        self, application: RestApplication, host: str, port: int, *, max_body_mib: int
    ) -> None:
        self._application = application
        self._host = host
        self._port = port
        self._max_body_mib = max_body_mib
        self._max_body_bytes = max_body_mib << 20

    async def serve(self, stop: asyncio.Event, *, drain_seconds: float) -> None:
        """Answer until `stop`, then finish what is in flight. Raises PortTaken."""
        check_port(self._host, self._port)
        server = Server(
            self._rsgi,
            address=self._host,
            port=self._port,
            interface=Interfaces.RSGI,
            http=HTTPModes.auto,
            websockets=False,
            backlog=_BACKLOG,
            log_level=LogLevels.error,  # it warns that embedding is experimental
            log_dictconfig=_LOGGING,
        )
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            server.stop()  # type: ignore[no-untyped-call]  # granian's
            done, _ = await asyncio.wait({serving}, timeout=drain_seconds)
            if not done:
                log.warning("requests are still in flight after %s s; leaving", drain_seconds)
                serving.cancel()
            elif serving.exception() is not None:
                raise PortTaken(self._host, self._port, str(serving.exception()))
        finally:
            stopping.cancel()

    async def _rsgi(self, scope: Scope, protocol: RSGIHTTPProtocol) -> None:
        if scope.proto != "http":
            return
        call = Call(scope.method, scope.path, scope.headers.get, self._body(scope, protocol))
        try:
            reply = await self._application.reply(call)
        except ConnectionError:
            return
        protocol.response_bytes(reply.status, reply.headers, reply.body)

    def _body(self, scope: Scope, protocol: RSGIHTTPProtocol) -> Callable[[], Awaitable[bytes]]:
        async def read() -> bytes:
            announced = scope.headers.get("content-length")
            try:
                if announced is not None and int(announced) <= self._max_body_bytes:
                    return await protocol()
                return await self._read_bounded(protocol)
            except RSGIProtocolClosed as error:
                raise ConnectionAbortedError from error

        return read

    async def _read_bounded(self, protocol: RSGIHTTPProtocol) -> bytes:
        """A body of unknown or of too large a size.

        As much again as we accept is read and thrown away: a client that is still sending when
        the connection closes would see it reset, and not the answer that says why.
        """
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(_BOUNDED_BODY_SECONDS):
                async for chunk in protocol:
                    size += len(chunk)
                    if size > 2 * self._max_body_bytes:
                        break
                    if size > self._max_body_bytes:
                        chunks.clear()
                    else:
                        chunks.append(bytes(chunk))
                else:
                    if size <= self._max_body_bytes:
                        return b"".join(chunks)
        except TimeoutError as error:
            raise BodyUnreadable(
                f"The body did not arrive within {_BOUNDED_BODY_SECONDS:.0f} s",
                hint="Send it faster, or announce its size with Content-Length.",
            ) from error
        raise BodyTooLarge(self._max_body_mib)


def check_port(host: str, port: int, option: str = "--gateway-port") -> None:
    """Raises PortTaken. Granian shares its port, so it would not notice another listener."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        raise PortTaken(host, port, error.strerror or str(error), option) from error


def stop_on_signals(stop: asyncio.Event, supervisor_fd: int | None) -> None:
    """Set `stop` on SIGTERM, SIGINT, or when the supervisor's end of the pipe closes."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if supervisor_fd is not None:
        loop.add_reader(supervisor_fd, _on_supervisor, loop, supervisor_fd, stop)


def _on_supervisor(loop: asyncio.AbstractEventLoop, descriptor: int, stop: asyncio.Event) -> None:
    if not os.read(descriptor, 1):
        log.warning("the supervisor is gone; stopping")
        loop.remove_reader(descriptor)
        stop.set()
