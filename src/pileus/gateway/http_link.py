"""The server over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import pydantic

from pileus.core.errors import PileusError
from pileus.core.schemas.metering import MeterReport
from pileus.core.schemas.serving import Routes
from pileus.gateway.errors import ServerAway
from pileus.gateway.segments import SealedSegment

_API = "/api/v1"
_TIMEOUT_SECONDS = 10.0


class HttpServerLink:
    """A `ServerLink` that authenticates with the gateway's token."""

    def __init__(
        self,
        server_url: str,
        token: Callable[[], str],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=server_url, timeout=_TIMEOUT_SECONDS, transport=transport
        )
        self._token = token

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def routes(self, after: int, wait_seconds: float) -> Routes | None:
        response = await self._send(
            "GET",
            f"{_API}/gateway/routes",
            params={"after": after, "wait": wait_seconds},
            timeout=_TIMEOUT_SECONDS + wait_seconds,
        )
        if response.status_code == HTTPStatus.NO_CONTENT:
            return None
        try:
            return Routes.model_validate_json(response.content)
        except pydantic.ValidationError as error:
            raise _unintelligible(error) from error

    async def blob(self, project: str, digest: str) -> AsyncIterator[bytes]:
        path = f"{_API}/projects/{quote(project, safe='')}/blobs/{quote(digest, safe='')}"
        try:
            async with self._client.stream("GET", path, headers=self._headers()) as response:
                if not response.is_success:
                    await response.aread()
                    raise _error_of(response)
                async for chunk in response.aiter_bytes():
                    yield chunk
        except httpx.HTTPError as error:
            raise _away(error) from error

    async def push_meters(self, report: MeterReport) -> int:
        response = await self._send(
            "POST",
            f"{_API}/gateway/meters",
            content=report.model_dump_json().encode(),
            content_type="application/json",
        )
        try:
            return int(response.json()["sequence"])
        except (ValueError, KeyError, TypeError) as error:
            raise _unintelligible(error) from error

    async def put_segment(self, segment: SealedSegment, content: bytes) -> None:
        await self._send(
            "PUT",
            f"{_API}/gateway/segments/{segment.lane}/{segment.number}",
            params={"project": segment.project, "source": segment.source},
            content=content,
            content_type="application/x-ndjson",
        )

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        content: bytes | None = None,
        content_type: str | None = None,
        timeout: float = _TIMEOUT_SECONDS,  # noqa: ASYNC109  httpx applies it to each phase
    ) -> httpx.Response:
        headers = self._headers()
        if content_type is not None:
            headers["Content-Type"] = content_type
        try:
            response = await self._client.request(
                method, path, params=params, content=content, headers=headers, timeout=timeout
            )
        except httpx.HTTPError as error:
            raise _away(error) from error
        if not response.is_success:
            raise _error_of(response)
        return response

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token()}"}


def read_token(path: Path) -> str:
    """The gateway's token, read for each question so that it may be replaced at any time."""
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ServerAway(
            f"The gateway's token {str(path)!r} cannot be read: {error.strerror}",
            hint="Start the server once on this home; it writes the token.",
        ) from error


def _error_of(response: httpx.Response) -> PileusError:
    try:
        return PileusError.from_wire(response.json()["error"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ServerAway(
            f"The server answered {response.status_code} to {response.request.url.path!r}",
            hint="Look into the server's log.",
        )


def _away(error: httpx.HTTPError) -> ServerAway:
    return ServerAway(
        f"The server does not answer: {str(error) or type(error).__name__}",
        hint="Start it with `pileus up`; the gateway goes on with what it knows.",
    )


def _unintelligible(error: Exception) -> ServerAway:
    return ServerAway(
        f"The server's answer is not understood: {error}",
        hint="Run the same version of server and gateway.",
    )
