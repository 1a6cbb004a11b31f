import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pileus.core.clock import SystemClock
from pileus.gateway.settings import GatewaySettings
from pileus.gateway.wiring import serve_with
from tests.unit.gateway.installation import DEVELOPER, FakeLink, free_port


@dataclass
class Running:
    """A gateway that answers on a port."""

    client: httpx.AsyncClient
    stop: asyncio.Event
    task: asyncio.Task[None]
    home: Path

    async def end(self) -> None:
        self.stop.set()
        await self.task

    async def get(self, path: str, token: str | None = DEVELOPER) -> httpx.Response:
        return await self.client.get(path, headers=bearer(token))

    async def post(self, path: str, token: str | None = DEVELOPER, **more) -> httpx.Response:
        headers = bearer(token) | more.pop("headers", {})
        return await self.client.post(path, headers=headers, **more)

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(250):
            if condition():
                return
            await asyncio.sleep(0.02)
        raise TimeoutError

    async def until_answers(self, path: str) -> httpx.Response:
        for _ in range(250):
            with contextlib.suppress(httpx.ConnectError):
                response = await self.get(path)
                if response.status_code == 200:
                    return response
            await asyncio.sleep(0.02)
        raise TimeoutError


def bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


@pytest.fixture
def link() -> FakeLink:
    return FakeLink()


@pytest.fixture
async def start(tmp_path, link) -> AsyncIterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(**changes) -> Running:
        quick = {"ship_seconds": 0.05, "segment_seconds": 0.05, "poll_seconds": 0.2}
        own = {"port": free_port(), "grpc": False}
        settings = GatewaySettings(home=tmp_path, **(own | quick | changes))
        stop = asyncio.Event()
        task = asyncio.create_task(serve_with(settings, link, SystemClock(), stop))
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}", timeout=10)
        running = Running(client, stop, task, tmp_path)
        started.append(running)
        return running

    yield start
    for running in started:
        running.stop.set()
        await running.client.aclose()
        await asyncio.wait([running.task])
