"""Errors of the gateway."""

from __future__ import annotations

from pileus.core.errors import (
    Conflict,
    InvalidRequest,
    LimitExceeded,
    NotAllowed,
    NotFound,
    Unavailable,
)


class PortTaken(Conflict, code="gateway_port_taken"):
    """Another process listens on the gateway's port."""

    def __init__(self, host: str, port: int, reason: str, option: str = "--gateway-port") -> None:
        super().__init__(
            f"The gateway cannot listen on {host}:{port}: {reason}",
            hint=f"Stop what uses port {port}, or choose another: `pileus up {option} PORT`.",
        )


class RevisionNotServed(NotFound, code="revision_not_served"):
    """The endpoint answers with another revision."""


class PathUnknown(NotFound, code="path_unknown"):
    """The gateway has no such path."""


class MethodUnknown(InvalidRequest, code="method_unknown"):
    """The path exists, with another method."""


class BodyUnreadable(InvalidRequest, code="body_unreadable"):
    """The body is not a request of the protocol."""


class BodyTooLarge(LimitExceeded, code="request_too_large"):
    """The body is larger than the gateway accepts."""

    def __init__(self, max_body_mib: int) -> None:
        super().__init__(
            f"The body is larger than {max_body_mib} MiB",
            hint="Send fewer rows in a request, or raise the gateway's 'max_body_mib'.",
        )


class NothingKnown(Unavailable, code="gateway_not_ready"):
    """The gateway has not yet learnt what it serves: no cache, and the server is away."""


class MetersFull(Unavailable, code="meters_full"):
    """No room on the disk to meter a new combination of token and revision."""


class ObjectNotAllowed(NotAllowed, code="object_not_allowed"):
    """A request names an object that the gateway's list of prefixes does not cover."""


class ObjectNotFound(NotFound, code="object_not_found"):
    """No object is there, or the gateway's credentials do not read it."""


class ObjectTooLarge(LimitExceeded, code="object_too_large"):
    """An object with more bytes than the gateway fetches."""


class ObjectAway(Unavailable, code="object_away"):
    """An object did not arrive in time, or where it is does not answer."""
