"""The server over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import pydantic

from pileus.core.errors import PileusError
from pileus.core.schemas.jobs import Artifact, NodeOrders, NodeReport, Registration
from pileus.worker.errors import ServerAway
from pileus.worker.link import Registered

_API = "/api/v1"
_TIMEOUT_SECONDS = 10.0
_BLOB_TIMEOUT_SECONDS = 60.0
"""For each piece of a blob, not for all of it."""

_PIECE_BYTES = 1024 * 1024
_DIGESTS_AT_ONCE = 1000

_Model = TypeVar("_Model", bound=pydantic.BaseModel)


class HttpServerLink:
    """A `ServerLink` that authenticates with the worker's token."""

    def __init__(self, server_url: str, token: Callable[[], str]) -> None:
        # Streams of many attempts share the connections with the long poll.
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=16)
        self._client = httpx.AsyncClient(
            base_url=server_url, timeout=_TIMEOUT_SECONDS, limits=limits
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

    async def register(self, registration: Registration) -> Registered:
        response = await self._send_json(f"{_API}/nodes/register", registration)
        return _read(Registered, response)

    async def sync(self, node: str, report: NodeReport, wait_seconds: float) -> NodeOrders:
        response = await self._send_json(
            f"{_API}/nodes/{quote(node, safe='')}/sync",
            report,
            params={"wait": wait_seconds},
            timeout=_TIMEOUT_SECONDS + wait_seconds,
        )
        return _read(NodeOrders, response)

    async def append(self, attempt: str, stream: str, offset: int, data: bytes) -> int:
        response = await self._send(
            "PUT",
            f"{_API}/attempts/{quote(attempt, safe='')}/streams/{quote(stream, safe='')}",
            params={"offset": offset},
            content=data,
            content_type="application/octet-stream",
        )
        try:
            return int(response.json()["offset"])
        except (ValueError, KeyError, TypeError) as error:
            raise _unintelligible(error) from error

    async def missing(self, project: str, digests: Sequence[str]) -> list[str]:
        found: list[str] = []
        for start in range(0, len(digests), _DIGESTS_AT_ONCE):
            asked = _Digests(digests=tuple(digests[start : start + _DIGESTS_AT_ONCE]))
            response = await self._send_json(f"{_blobs(project)}/missing", asked)
            found += _read(_Missing, response).missing
        return found

    async def put_blob(self, project: str, artifact: Artifact, path: Path) -> None:
        await self._send(
            "PUT",
            f"{_blobs(project)}/{quote(artifact.digest, safe='')}",
            content=_pieces(path),
            content_type="application/octet-stream",
            content_length=artifact.size,
            timeout=_BLOB_TIMEOUT_SECONDS,
        )

    async def blob(self, project: str, digest: str) -> AsyncIterator[bytes]:
        path = f"{_blobs(project)}/{quote(digest, safe='')}"
        try:
            async with self._client.stream(
                "GET", path, headers=self._headers(), timeout=_BLOB_TIMEOUT_SECONDS
            ) as response:
                if not response.is_success:
                    await response.aread()
                    raise _error_of(response)
                async for piece in response.aiter_bytes(_PIECE_BYTES):
                    yield piece
        except httpx.HTTPError as error:
            raise _away(error) from error

    async def _send_json(
        self,
        path: str,
        body: pydantic.BaseModel,
        *,
        params: dict[str, Any] | None = None,
        timeout: float = _TIMEOUT_SECONDS,  # noqa: ASYNC109  httpx applies it to each phase
    ) -> httpx.Response:
        return await self._send(
            "POST",
            path,
            params=params,
            content=body.model_dump_json().encode(),
            content_type="application/json",
            timeout=timeout,
        )

    async def _send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | AsyncIterator[bytes],
        content_type: str,
        content_length: int | None = None,
        params: dict[str, Any] | None = None,
        timeout: float = _TIMEOUT_SECONDS,  # noqa: ASYNC109  httpx applies it to each phase
    ) -> httpx.Response:
        headers = self._headers() | {"Content-Type": content_type}
        if content_length is not None:
            headers["Content-Length"] = str(content_length)
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
    """The worker's token, read for each request so that it may be replaced at any time."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ServerAway(
            f"The worker's token {str(path)!r} cannot be read: {error.strerror}",
            hint="Start the server once on this home; it writes the token.",
        ) from error


class _Digests(pydantic.BaseModel):
    digests: tuple[str, ...]


class _Missing(pydantic.BaseModel):
    missing: list[str]


def _blobs(project: str) -> str:
    return f"{_API}/projects/{quote(project, safe='')}/blobs"


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece


def _read(model: type[_Model], response: httpx.Response) -> _Model:
    try:
        return model.model_validate_json(response.content)
    except pydantic.ValidationError as error:
        raise _unintelligible(error) from error


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
        hint="Start it with `pileus up`; attempts that run go on.",
    )


def _unintelligible(error: Exception) -> ServerAway:
    return ServerAway(
        f"The server's answer is not understood: {error}",
        hint="Run the same version of server and worker.",
    )
