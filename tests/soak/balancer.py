"""One address in front of several servers: each connection goes to any of those that listen."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

_PIECE_BYTES = 65536


class Balancer:
    """Knows nothing of HTTP, as little as a client knows which server it talks to."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = tuple(ports)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._pairs: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="balancer", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._take, sock=self._socket)
        await self._stop.wait()
        server.close()
        for pair in list(self._pairs):
            pair.cancel()
        await asyncio.gather(*self._pairs, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pairs.add(task)
        try:
            # What breaks a connection, its two ends hear of.
            with suppress(OSError, asyncio.CancelledError):
                await self._join(reader, writer)
        finally:
            self._pairs.discard(task)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for port in random.sample(self._ports, len(self._ports)):
            try:
                answers, asks = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                continue  # killed a moment ago; a client tries another one, too
            ways = [
                asyncio.ensure_future(_pump(reader, asks)),
                asyncio.ensure_future(_pump(answers, writer)),
            ]
            try:
                # The end of one way is that of the connection: nobody here half closes.
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                asks.close()
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
            return


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_PIECE_BYTES):
        writer.write(data)
        await writer.drain()
