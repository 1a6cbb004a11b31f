"""Runs the server process until it is told to stop, or its supervisor is gone."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from types import FrameType

import uvicorn
import uvloop

from pileus.core.errors import Conflict
from pileus.server.settings import Settings
from pileus.server.wiring import running_app

log = logging.getLogger(__name__)


class PortTaken(Conflict, code="port_taken"):
    """Another process listens on the port."""


def run(settings: Settings) -> int:
    """Serve until stopped; the exit code. Raises PortTaken, and what opening the state raises."""
    listener = _listen(settings.server.host, settings.server.port)
    with listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> int:
    async with running_app(settings) as app:
        config = uvicorn.Config(
            app,
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=round(settings.server.drain_seconds),
            server_header=False,
        )
        server = _Server(config, app.state.stopping)
        _stop_with_supervisor(server, settings.server.supervisor_fd)
        await server.serve(sockets=[listener])
    return 0


class _Server(uvicorn.Server):
    """Wakes those who wait for news, so that nobody waits for them."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._loop = asyncio.get_running_loop()
        self._stopping = stopping

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        # Uvicorn's own would raise the signal once more when it has served, and so end the process
        # before the database is closed.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        # A signal handler may run in the middle of anything.
        self._loop.call_soon_threadsafe(self._stopping.set)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise PortTaken(
            f"Port {port} on {host} cannot be listened on: {error.strerror}",
            hint="Stop what uses it, or choose another with --port.",
        ) from error


def _stop_with_supervisor(server: uvicorn.Server, descriptor: int | None) -> None:
    """End as after SIGTERM when the other end of the supervisor's pipe is closed."""
    if descriptor is None:
        return
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if os.read(descriptor, 1) == b"":
            loop.remove_reader(descriptor)
            log.warning("The supervisor is gone; stopping")
            server.handle_exit(signal.SIGTERM, None)

    loop.add_reader(descriptor, readable)
