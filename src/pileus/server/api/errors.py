"""Every failure as `{"error": {...}}`, with the request's id; internals only in the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from pileus.core.errors import InvalidRequest, NotFound, PileusError, Unavailable
from pileus.core.status import http_status
from pileus.server.api.request_id import answer_headers

log = logging.getLogger(__name__)

MAX_SHOWN = 200
"""Characters of a wrong value that a message repeats."""


class BadBody(InvalidRequest, code="bad_body"):
    """A body or parameter that does not fit the schema."""


class NoRoute(NotFound, code="no_route"):
    """No such path or method."""


def install(app: FastAPI) -> None:
    """Answer errors of all kinds in one form."""
    app.add_exception_handler(PileusError, _on_purpose)
    app.add_exception_handler(RequestValidationError, _does_not_fit)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _bug)


async def _on_purpose(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, PileusError):
        return await _bug(request, error)
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    log.info("Refused, %s: %s", error.code, error.message)
    return _answer(request, error, http_status(error), headers)


async def _does_not_fit(request: Request, error: Exception) -> JSONResponse:
    found: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else ()
    return _answer(
        request, BadBody(describe(found), hint="See /openapi.json for the schema."), 422, {}
    )


async def _framework(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status in {404, 405}:
        known = NoRoute(
            f"{request.method} {request.url.path} is not a route",
            hint="See /openapi.json for the routes.",
        )
        return _answer(request, known, status, {})
    detail = str(getattr(error, "detail", error))
    if status == 400:  # the framework's word for a body that it cannot read
        return _answer(request, BadBody(detail, hint="Send JSON in UTF-8."), 422, {})
    return _answer(request, InvalidRequest(detail), status, {})


async def _bug(request: Request, error: Exception) -> JSONResponse:
    # Outside of the middleware that says what the lines of a request are about, too.
    about = {"request_id": _request_id(request)}
    log.error("Unexpected error", exc_info=error, extra=about)
    body = {
        "code": "internal_error",
        "family": "error",
        "message": "Internal error",
        "hint": "The server's log has the details under this request id.",
        "request_id": _request_id(request),
    }
    # This answer is made outside of the middleware that gives all others their id.
    headers = answer_headers(str(_request_id(request)))
    return JSONResponse({"error": body}, status_code=500, headers=headers)


def describe(errors: Sequence[Any]) -> str:
    """What does not fit, with place and value: `resources.cpu: Input should be greater than 0`."""
    parts = []
    for error in errors[:3]:
        place = ".".join(str(part) for part in error["loc"] if part != "body")
        value = error.get("input")
        shown = "" if isinstance(value, dict | list) else f" (got {_short(value)})"
        parts.append(f"{place or 'body'}: {error['msg']}{shown}")
    return "; ".join(parts)


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}…"


def _gone(_request: Request, error: Exception) -> Response:
    """Nobody reads this: the client closed the connection in the middle of its request."""
    log.info("The request was broken off: %r", error)
    return Response(status_code=400)


def _answer(
    request: Request, error: PileusError, status: int, headers: dict[str, str]
) -> JSONResponse:
    return JSONResponse(
        {"error": error.to_wire(_request_id(request))}, status_code=status, headers=headers
    )


def _request_id(request: Request) -> str | None:
    found: str | None = getattr(request.state, "request_id", None)
    return found
