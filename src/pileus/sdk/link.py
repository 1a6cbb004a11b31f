"""HTTP to the server for the installation's own processes: gateway and worker.

Their token lies in a file and may be replaced at any time; a server that is away, or that answers
in words we do not know, is a `ServerAway`, and whoever calls tries again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import pydantic

from pileus.core.errors import PileusError, Unavailable
from pileus.core.logs import context
from pileus.core.request_ids import HEADER
from pileus.sdk.connecting import connection_to

API = "/api/v1"
TIMEOUT_SECONDS = 10.0
PIECE_BYTES = 1024 * 1024

Model = TypeVar("Model", bound=pydantic.BaseModel)


class ServerAway(Unavailable, code="server_away"):
    """The server does not answer one of its processes, or not in words that it understands."""


class ServerHttp:
    """A connection to the server. Every method raises ServerAway, or the server's own error."""

    def __init__(
        self,
        server_url: str,
        token: Callable[[], str],
        *,
        limits: httpx.Limits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=server_url,
            timeout=TIMEOUT_SECONDS,
            **connection_to(server_url),
            limits=limits or httpx.Limits(),
            transport=transport,
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

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        content_type: str | None = None,
        content_length: int | None = None,
        token: str | None = None,
        timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109  httpx applies it to each phase
    ) -> httpx.Response:
        """Ask, with a path below the API's, and with another token than our own if one is given."""
        headers = self._headers()
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if content_type is not None:
            headers["Content-Type"] = content_type
        if content_length is not None:
            headers["Content-Length"] = str(content_length)
        try:
            response = await self._client.request(
                method,
                API + path,
                params=params,
                content=content,
                headers=headers,
                timeout=timeout,
            )
        except httpx.HTTPError as error:
            raise _away(error) from error
        if not response.is_success:
            raise _error_of(response)
        return response

    async def post(
        self,
        path: str,
        body: pydantic.BaseModel,
        *,
        params: dict[str, Any] | None = None,
        timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109  httpx applies it to each phase
    ) -> httpx.Response:
        """Send a document."""
        return await self.send(
            "POST",
            path,
            params=params,
            content=body.model_dump_json().encode(),
            content_type="application/json",
            timeout=timeout,
        )

    async def blob(
        self,
        project: str,
        digest: str,
        timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109  for each piece, not for all of it
    ) -> AsyncIterator[bytes]:
        """A blob in pieces, not checked against its digest."""
        path = f"{API}{blob_path(project, digest)}"
        try:
            async with self._client.stream(
                "GET", path, headers=self._headers(), timeout=timeout
            ) as response:
                if not response.is_success:
                    await response.aread()
                    raise _error_of(response)
                async for piece in response.aiter_bytes(PIECE_BYTES):
                    yield piece
        except httpx.HTTPError as error:
            raise _away(error) from error

    def _headers(self) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._token()}"}
        request_id = context.request_id()
        if request_id is not None:
            headers[HEADER] = request_id
        return headers


def blobs_path(project: str) -> str:
    """Path of a project's blobs, by its id."""
    return f"/projects/{quote(project, safe='')}/blobs"


def blob_path(project: str, digest: str) -> str:
    """Path of one blob."""
    return f"{blobs_path(project)}/{quote(digest, safe='')}"


def read(model: type[Model], response: httpx.Response) -> Model:
    """The document that was answered. Raises ServerAway."""
    try:
        return model.model_validate_json(response.content)
    except pydantic.ValidationError as error:
        raise _unintelligible(error) from error


def read_number(response: httpx.Response, field: str) -> int:
    """A number in the document that was answered. Raises ServerAway."""
    try:
        return int(response.json()[field])
    except (ValueError, KeyError, TypeError) as error:
        raise _unintelligible(error) from error


def read_token(path: Path) -> str:
    """A process's token, read for each request so that it may be replaced. Raises ServerAway."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ServerAway(
            f"The token {str(path)!r} cannot be read: {error.strerror}",
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
        hint="Start it with `pileus up`; predictions and running attempts go on meanwhile.",
    )


def _unintelligible(error: Exception) -> ServerAway:
    return ServerAway(
        f"The server's answer is not understood: {error}",
        hint="Run the same version of all processes.",
    )
