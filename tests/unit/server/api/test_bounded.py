"""Bodies above the limit."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI, Request

from pileus.server.api.bounded import BoundedBody


@pytest.fixture
async def client():
    app = FastAPI()

    @app.post("/echo")
    async def echo(body: dict[str, str]) -> dict[str, str]:
        return body

    @app.put("/upload")
    async def upload(request: Request) -> int:
        return len(await request.body())

    app.add_middleware(BoundedBody, is_upload=lambda path: path == "/upload", max_body_bytes=100)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://server"
    ) as found:
        yield found


async def pieces():
    yield b'{"a": "'
    for _ in range(10):
        yield b"x" * 50
    yield b'"}'


class TestBoundedBody:
    @pytest.mark.parametrize("content", [b'{"a": "' + b"x" * 200 + b'"}', pieces])
    async def test_a_large_body_is_refused_whether_or_not_it_says_so(self, client, content):
        answer = await client.post("/echo", content=content() if callable(content) else content)

        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "api_body_too_large"

    async def test_a_small_body_passes(self, client):
        assert (await client.post("/echo", json={"a": "b"})).json() == {"a": "b"}

    async def test_uploads_are_not_its_business(self, client):
        assert (await client.put("/upload", content=b"x" * 500)).json() == 500
