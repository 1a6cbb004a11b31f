"""Who asks: bearer tokens against the cached keyed hashes."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pileus.core.schemas.tenancy import Role
from pileus.security.errors import RoleTooLow, TokenUnknown
from pileus.security.tokens import token_hash

if TYPE_CHECKING:
    from pileus.core.schemas.serving import RouteToken

_SCHEME = "bearer "

_REMEMBERED = 4096
"""Headers whose token was found; one token may come in several spellings."""


class GatewayCaller(NamedTuple):
    """The owner of a token."""

    token: str
    project: str
    principal: str
    role: Role
    expires_at: datetime | None
    is_operator: bool = False


class TokenTable:
    """Immutable: news from the server makes another."""

    def __init__(self, key: bytes, tokens: Iterable[RouteToken]) -> None:
        self._key = key
        self._callers = {token.hash: _caller(token) for token in tokens}
        self._known: dict[str, GatewayCaller] = {}

    def authenticate(self, authorization: str | None, now: datetime) -> GatewayCaller:
        """The caller behind an Authorization header. Raises TokenUnknown.

        Looking a hash up by equality tells nothing about a token: without the key its hash
        cannot be guessed in steps.
        """
        # Who has asked before is found without hashing; what is wrong is never remembered.
        caller = self._known.get(authorization or "")
        if caller is None:
            caller = self._caller(authorization)
        if caller.expires_at is not None and caller.expires_at <= now:
            raise TokenUnknown
        return caller

    def _caller(self, authorization: str | None) -> GatewayCaller:
        if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
            raise TokenUnknown
        token = authorization[len(_SCHEME) :].strip()
        caller = self._callers.get(token_hash(self._key, token))
        if caller is None:
            raise TokenUnknown
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[authorization] = caller
        return caller


def require_role(caller: GatewayCaller, role: Role) -> None:
    """Raises RoleTooLow."""
    if not caller.role.includes(role):
        raise RoleTooLow(
            f"{caller.principal!r} has the role {caller.role.value!r}; this needs {role.value!r}",
            hint="Ask an admin of the project for a token of a principal with that role.",
        )


def require_operator(caller: GatewayCaller) -> None:
    """Raises RoleTooLow."""
    if not caller.is_operator:
        raise RoleTooLow(
            f"{caller.principal!r} is not an operator of this installation",
            hint="Use the token in run/metrics.token of the home, or an operator's.",
        )


def is_token(authorization: str | None, expected: str | None) -> bool:
    """Whether an Authorization header carries this one token."""
    if not expected or authorization is None:
        return False
    if authorization[: len(_SCHEME)].lower() != _SCHEME:
        return False
    given = authorization[len(_SCHEME) :].strip()
    return hmac.compare_digest(given.encode(), expected.encode())


def _caller(token: RouteToken) -> GatewayCaller:
    expires_at = datetime.fromisoformat(token.expires_at) if token.expires_at else None
    if expires_at is not None and expires_at.tzinfo is None:
        expires_at = expires_at.replace(tzinfo=UTC)
    role = Role(token.role)
    return GatewayCaller(
        token.id, token.project, token.principal, role, expires_at, token.is_operator
    )
