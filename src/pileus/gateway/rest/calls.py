"""One request and its reply, free of any web server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from pileus.core.errors import PileusError, Unavailable
from pileus.core.request_ids import HEADER, OWN_HEADER, well_formed
from pileus.core.status import http_status
from pileus.gateway.errors import BodyTooLarge, MethodUnknown
from pileus.inference.errors import DeadlineExceeded

if TYPE_CHECKING:
    from pileus.gateway.auth import GatewayCaller

REQUEST_IDS = (HEADER.lower(), OWN_HEADER.lower())
JSON = ("content-type", "application/json")

Header = tuple[str, str]

# The families say most of it; HTTP has a status of its own for these.
_STATUS: dict[type[PileusError], int] = {
    BodyTooLarge: 413,
    MethodUnknown: 405,
    DeadlineExceeded: 504,
}


@dataclass(slots=True)
class Reply:
    """What goes back."""

    status: int
    body: bytes
    headers: list[Header] = field(default_factory=lambda: [JSON])


@dataclass(slots=True)
class Call:
    """What came in."""

    method: str
    path: str
    header: Callable[[str], str | None]
    """A request header by its lower-case name."""

    read_body: Callable[[], Awaitable[bytes]]
    """The whole body, bounded. Raises BodyTooLarge."""

    params: dict[str, str] = field(default_factory=dict)
    """What the path's pattern captured."""

    caller: GatewayCaller | None = None
    """None on anonymous routes only."""

    request_id: str = ""
    """The caller's, or one that the gateway made."""

    @property
    def given_request_id(self) -> str | None:
        """The id that came with the call, if it can be used."""
        for name in REQUEST_IDS:
            given = well_formed(self.header(name))
            if given is not None:
                return given
        return None


def json_reply(document: Any, status: int = 200) -> Reply:  # noqa: ANN401  a JSON value
    return Reply(status, orjson.dumps(document))


def error_reply(error: PileusError, request_id: str | None) -> Reply:
    """The one shape of everything that is not a success.

    The protocol has `error` as a text, which its clients print; ours read the fields beside it.
    """
    status = _STATUS.get(type(error)) or http_status(error)
    reply = Reply(status, orjson.dumps({"error": error.told(), **error.to_wire(request_id)}))
    if isinstance(error, Unavailable):
        reply.headers.append(("retry-after", str(error.retry_after_seconds)))
    return reply
