"""
Every error the platform raises on purpose.

* PileusError
  + InvalidRequest      the caller can fix the request
  + NotAuthenticated    we do not know who you are
  + NotAllowed          we know who you are; policy says no
  + NotFound
  + Conflict            the resource is not in a state that permits this
  + LimitExceeded       quota or rate
  + Unavailable         try again later; nothing is wrong with the request

Callers catch families. A package's own errors subclass a family, in its `errors.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class PileusError(Exception):
    """Base of every error raised on purpose. Anything else is a bug."""

    code: str = "error"
    """Stable name on the wire. Clients match on it, so it is never renamed."""

    family: ClassVar[type[PileusError]]
    """The error above, in the list at the top of this file, that callers catch."""

    by_code: ClassVar[dict[str, type[PileusError]]] = {}

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.request_id: str | None = None
        """Of the request that it answers, where there was one."""

    def __init_subclass__(cls, *, code: str) -> None:
        if code in PileusError.by_code:
            taken = PileusError.by_code[code].__name__
            raise TypeError(f"Error code {code!r} is taken by {taken}")
        PileusError.by_code[code] = cls
        cls.code = code
        if PileusError in cls.__bases__:
            cls.family = cls

    def told(self) -> str:
        """Message and hint in one text, for those who show one."""
        return f"{self.message}. {self.hint}" if self.hint else self.message

    def to_wire(self, request_id: str | None = None) -> dict[str, str | None]:
        """The body of `{"error": ...}` in every answer that is not a success."""
        family = getattr(type(self), "family", PileusError)
        return {
            "code": self.code,
            "family": family.code,
            "message": self.message,
            "hint": self.hint,
            "request_id": request_id or self.request_id,
        }

    @staticmethod
    def from_wire(body: Mapping[str, str | None]) -> PileusError:
        """What the SDK raises: the family, carrying the code the server sent."""
        family = PileusError.by_code.get(body.get("family") or "", PileusError)
        error = family(body.get("message") or "", hint=body.get("hint"))
        error.code = body.get("code") or error.code
        error.request_id = body.get("request_id")
        return error


class InvalidRequest(PileusError, code="invalid_request"):
    """The caller can fix the request."""


class NotAuthenticated(PileusError, code="not_authenticated"):
    """The request carries no token that we know."""


class NotAllowed(PileusError, code="not_allowed"):
    """The token is known; its role does not permit this."""


class NotFound(PileusError, code="not_found"):
    """Nothing of that name or id exists in this project."""


class Conflict(PileusError, code="conflict"):
    """The resource is not in a state that permits this."""


class LimitExceeded(PileusError, code="limit_exceeded"):
    """A quota, a rate or a size limit was reached."""


class Unavailable(PileusError, code="unavailable"):
    """Try again later; nothing is wrong with the request."""

    retry_after_seconds: int = 1
    """What a caller is told to wait."""


FAMILIES: tuple[type[PileusError], ...] = (
    InvalidRequest,
    NotAuthenticated,
    NotAllowed,
    NotFound,
    Conflict,
    LimitExceeded,
    Unavailable,
)
