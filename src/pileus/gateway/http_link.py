"""The gateway's link to the server, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx

from pileus.core.schemas.metering import MeterReport
from pileus.core.schemas.serving import Routes
from pileus.gateway.segments import SealedSegment
from pileus.sdk.link import TIMEOUT_SECONDS, ServerHttp, read, read_number


class HttpServerLink:
    """A `ServerLink` that authenticates with the gateway's token."""

    def __init__(
        self,
        server_url: str,
        token: Callable[[], str],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = ServerHttp(server_url, token, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def routes(self, after: int, wait_seconds: float) -> Routes | None:
        response = await self._http.send(
            "GET",
            "/gateway/routes",
            params={"after": after, "wait": wait_seconds},
            timeout=TIMEOUT_SECONDS + wait_seconds,
        )
        if response.status_code == HTTPStatus.NO_CONTENT:
            return None
        return read(Routes, response)

    def blob(self, project: str, digest: str) -> AsyncIterator[bytes]:
        return self._http.blob(project, digest)

    async def push_meters(self, report: MeterReport) -> int:
        return read_number(await self._http.post("/gateway/meters", report), "sequence")

    async def put_segment(self, segment: SealedSegment, content: bytes) -> None:
        await self._http.send(
            "PUT",
            f"/gateway/segments/{segment.lane}/{segment.number}",
            params={"project": segment.project, "source": segment.source},
            content=content,
            content_type="application/x-ndjson",
        )
