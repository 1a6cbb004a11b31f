"""One call to the server: headers, repeats, errors, pages. Knows no noun."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from pileus import __version__
from pileus.core.clock import SystemClock
from pileus.core.errors import InvalidRequest, NotAuthenticated, PileusError, Unavailable
from pileus.core.ids import Ids
from pileus.core.request_ids import HEADER, PREFIX
from pileus.sdk.connecting import connection_to

Document = Mapping[str, Any]
"""An answer as the server sent it."""

Content = Callable[[], Any]
"""Opens the body of an upload again for each try."""

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
PAGE_SIZE = 100
_UNAVAILABLE = 503
_ERRORS_FROM = 400


class Api:
    """HTTP with the token of one principal.

    A call that could not reach the server, or that it answered with 503, is repeated for
    `patience_seconds`. Creates carry an `Idempotency-Key`, so a repeat creates nothing twice.
    All calls carry `request_id`; without one, each has an id of its own.
    """

    def __init__(
        self,
        url: str,
        token: str,
        project: str,
        patience_seconds: float,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        request_id: str | None = None,
    ) -> None:
        self._url = _checked_url(url)
        self._project = project
        self._patience_seconds = patience_seconds
        self._sleep = sleep
        self._request_id = request_id
        self._ids = Ids(SystemClock())
        self._http = httpx.Client(
            base_url=self._url,
            headers={
                "Authorization": f"Bearer {_checked_token(token)}",
                "User-Agent": f"pileus/{__version__}",
            },
            timeout=httpx.Timeout(60.0, connect=5.0),
            transport=transport,
            **connection_to(self._url),
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def path(self, *parts: str | int) -> str:
        """A path of this client's project; each part is quoted."""
        return "/".join(
            ["/api/v1/projects", quote(self._project, safe=""), *(quoted(part) for part in parts)]
        )

    def get(self, path: str, **params: Any) -> Document:
        """The document at `path`."""
        return self._document(self.call("GET", path, params=params))

    def create(self, path: str, body: Any) -> Document:  # noqa: ANN401  any JSON value
        """POST that makes something; safe to repeat."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self._document(self.call("POST", path, json=body, headers=headers))

    def post(self, path: str, body: Any = None) -> Document:  # noqa: ANN401  any JSON value
        """POST that has the same effect when it is repeated."""
        return self._document(self.call("POST", path, json=body))

    def put(self, path: str, body: Document) -> Document:
        """Replace what is at `path`."""
        return self._document(self.call("PUT", path, json=body))

    def patch(self, path: str, body: Document) -> Document:
        """Change what is at `path`."""
        return self._document(self.call("PATCH", path, json=body))

    def delete(self, path: str, **params: Any) -> Document:
        """Delete what is at `path`."""
        return self._document(self.call("DELETE", path, params=params))

    def items(self, path: str, where: Mapping[str, str] | None = None) -> Iterator[Document]:
        """Every item of a list, page after page."""
        conditions = ",".join(f"{field}={value}" for field, value in (where or {}).items())
        cursor: str | None = None
        while True:
            page = self.get(path, limit=PAGE_SIZE, cursor=cursor, filter=conditions or None)
            yield from page.get("items", ())
            cursor = page.get("next")
            if not cursor:
                return

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401  any JSON value
        content: Content | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> httpx.Response:
        """The answer, which is a success. Raises a family of PileusError."""
        request_id = self._request_id or self._ids.new(PREFIX)
        given = {name: value for name, value in (params or {}).items() if value is not None}
        deadline = time.monotonic() + self._patience_seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            cause: httpx.TransportError | None = None
            try:
                response = self._http.request(
                    method,
                    path,
                    params=given,
                    json=json,
                    content=None if content is None else content(),
                    headers={HEADER: request_id, **(headers or {})},
                    timeout=timeout_seconds or httpx.USE_CLIENT_DEFAULT,
                )
            except httpx.TransportError as error:
                failure, cause = self._unreachable(error), error
            else:
                if response.status_code < _ERRORS_FROM:
                    return response
                failure = error_of(response, request_id)
                if response.status_code != _UNAVAILABLE:
                    raise failure
            if time.monotonic() + pause > deadline:
                raise failure from cause
            self._sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _unreachable(self, error: httpx.TransportError) -> PileusError:
        return Unavailable(
            f"{self._url} cannot be reached: {str(error) or type(error).__name__}",
            hint="See `pileus status`; start it with `pileus up`.",
        )

    @staticmethod
    def _document(response: httpx.Response) -> Document:
        if not response.content:
            return {}
        document: Document = response.json()
        return document


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidRequest(
            f"{url!r} is not the URL of a server", hint="Write it as http://HOST:PORT."
        )
    return url.rstrip("/")


def _checked_token(token: str) -> str:
    """The token, if a header can carry it."""
    if not token.isascii() or not token.isprintable():
        raise NotAuthenticated(
            "The token holds characters that no token has",
            hint="Copy it again, as `pileus token create` printed it.",
        )
    return token


def quoted(part: str | int) -> str:
    """One part of a path."""
    return quote(str(part), safe="")


def error_of(response: httpx.Response, request_id: str) -> PileusError:
    """The error that an answer carries, as the family that callers catch."""
    try:
        error = PileusError.from_wire(_wire_of(response.json()))
    except (ValueError, KeyError, TypeError, AttributeError):
        request = response.request
        error = PileusError(
            f"{request.method} {request.url.path} answered {response.status_code},"
            f" request {request_id}",
            hint="Look for that request in the logs of the server.",
        )
    error.request_id = error.request_id or request_id
    return error


def _wire_of(body: Any) -> Mapping[str, str | None]:  # noqa: ANN401  a JSON value
    """The fields of an error: the server's within `error`, a gateway's beside it."""
    inner = body["error"]
    fields: Mapping[str, str | None] = body if isinstance(inner, str) else inner
    return fields
