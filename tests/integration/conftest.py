"""A whole server in this process, over a memory database; spoken to as a client would."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pileus.core.clock import SystemClock
from pileus.core.ids import Ids
from pileus.jobs.engine import Engine
from pileus.server.api.app import create_app
from pileus.server.services import Services
from pileus.server.settings import ServerSettings, Settings
from pileus.server.tables import TABLES
from pileus.server.wiring import assemble
from pileus.storage.databases.memory import MemoryDatabase

ROOT = "/api/v1/projects/default"


@dataclass(frozen=True)
class RunningServer:
    """The application and the tokens that its home holds."""

    services: Services
    engine: Engine
    owner: str
    worker: str
    gateway: str
    metrics: str
    transport: httpx.ASGITransport

    def client(self, token: str | None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            transport=self.transport, base_url="http://server", headers=headers
        )

    async def member(self, name: str, role: str) -> str:
        """A token of a new principal with this role."""
        async with self.client(self.owner) as client:
            made = await client.post(f"{ROOT}/principals", json={"name": name, "role": role})
            assert made.status_code == 201, made.text
            token = await client.post(f"{ROOT}/tokens", json={"principal": name})
            return str(token.json()["token"])


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningServer]:
    clock = SystemClock()
    database = MemoryDatabase(TABLES)
    await database.start()
    settings = Settings(server=ServerSettings(home=tmp_path))
    services, engine = await assemble(settings, database, clock)
    app = create_app(services, Ids(clock).new, 1024 * 1024)
    run = tmp_path / "run"
    yield RunningServer(
        services=services,
        engine=engine,
        owner=json.loads((run / "tokens.json").read_text())["default"],
        worker=(run / "worker.token").read_text(),
        gateway=(run / "gateway.token").read_text(),
        metrics=(run / "metrics.token").read_text(),
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
    )
    await database.close()


@pytest.fixture
async def owner(server: RunningServer) -> AsyncIterator[httpx.AsyncClient]:
    async with server.client(server.owner) as client:
        yield client


@pytest.fixture
async def worker(server: RunningServer) -> AsyncIterator[httpx.AsyncClient]:
    async with server.client(server.worker) as client:
        yield client


@pytest.fixture
async def gateway(server: RunningServer) -> AsyncIterator[httpx.AsyncClient]:
    async with server.client(server.gateway) as client:
        yield client
