"""The worker's link to the server, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx
import pydantic

from pileus.core.opening import open_regular
from pileus.core.schemas.jobs import Artifact, NodeOrders, NodeReport, Registration
from pileus.core.schemas.secrets import SecretValue, SecretValues
from pileus.core.schemas.usage import UsageReport
from pileus.sdk.link import (
    PIECE_BYTES,
    TIMEOUT_SECONDS,
    ServerHttp,
    blob_path,
    blobs_path,
    read,
    read_number,
)
from pileus.worker.link import Registered

_BLOB_TIMEOUT_SECONDS = 60.0
"""For each piece of a blob, not for all of it."""

_DIGESTS_AT_ONCE = 1000


class HttpServerLink:
    """A `ServerLink` that authenticates with the worker's token."""

    def __init__(self, server_url: str, token: Callable[[], str]) -> None:
        # Streams of many attempts share the connections with the long poll.
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=16)
        self._http = ServerHttp(server_url, token, limits=limits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def register(self, registration: Registration) -> Registered:
        return read(Registered, await self._http.post("/nodes/register", registration))

    async def sync(self, node: str, report: NodeReport, wait_seconds: float) -> NodeOrders:
        response = await self._http.post(
            f"/nodes/{quote(node, safe='')}/sync",
            report,
            params={"wait": wait_seconds},
            timeout=TIMEOUT_SECONDS + wait_seconds,
        )
        return read(NodeOrders, response)

    async def tell_usage(self, node: str, report: UsageReport) -> None:
        await self._http.post(f"/nodes/{quote(node, safe='')}/usage", report)

    async def projects(self) -> frozenset[str]:
        return frozenset(read(_Projects, await self._http.send("GET", "/nodes/projects")).projects)

    async def append(
        self, attempt: str, stream: str, offset: int, pieces: AsyncIterator[bytes]
    ) -> int:
        response = await self._http.send(
            "PUT",
            f"/attempts/{quote(attempt, safe='')}/streams/{quote(stream, safe='')}",
            params={"offset": offset},
            content=pieces,
            content_type="application/octet-stream",
        )
        return read_number(response, "offset")

    async def secrets(self, project: str, job: str, token: str) -> Sequence[SecretValue]:
        path = f"/projects/{quote(project, safe='')}/jobs/{quote(job, safe='')}/secrets"
        return read(SecretValues, await self._http.send("GET", path, token=token)).secrets

    async def missing(self, project: str, digests: Sequence[str]) -> list[str]:
        found: list[str] = []
        for start in range(0, len(digests), _DIGESTS_AT_ONCE):
            asked = _Digests(digests=tuple(digests[start : start + _DIGESTS_AT_ONCE]))
            response = await self._http.post(f"{blobs_path(project)}/missing", asked)
            found += read(_Missing, response).missing
        return found

    async def put_blob(self, project: str, artifact: Artifact, path: Path) -> None:
        await self._http.send(
            "PUT",
            blob_path(project, artifact.digest),
            content=_pieces(path),
            content_type="application/octet-stream",
            content_length=artifact.size,
            timeout=_BLOB_TIMEOUT_SECONDS,
        )

    def blob(self, project: str, digest: str) -> AsyncIterator[bytes]:
        return self._http.blob(project, digest, _BLOB_TIMEOUT_SECONDS)


class _Projects(pydantic.BaseModel):
    projects: list[str]


class _Digests(pydantic.BaseModel):
    digests: tuple[str, ...]


class _Missing(pydantic.BaseModel):
    missing: list[str]


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with open_regular(path) as file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
