"""Tokens: how a principal proves who it is."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.sdk.api import Api, Document


class Tokens:
    """Tokens of a project."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self) -> Iterator[Document]:
        """Every token, without its secret."""
        return self._api.items(self._api.path("tokens"))

    def create(
        self, name: str, principal: str | None = None, expires_days: int | None = None
    ) -> Document:
        """A new token of `principal`, or of the caller; its secret is shown this once."""
        body = {"name": name, "principal": principal, "expires_days": expires_days}
        given = {field: value for field, value in body.items() if value is not None}
        return self._api.create(self._api.path("tokens"), given)

    def revoke(self, identifier: str) -> Document:
        """Make a token worthless."""
        return self._api.post(self._api.path("tokens", identifier, "revoke"))

    def delete(self, identifier: str, *, now: bool = False) -> Document:
        """Make a token worthless and take it off the list; its tombstone."""
        return self._api.delete(self._api.path("tokens", identifier), now=now)
