"""Members: the principals of a project and their roles."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.sdk.api import Api, Document


class Members:
    """Principals of a project."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self) -> Iterator[Document]:
        """Every principal."""
        return self._api.items(self._api.path("principals"))

    def add(self, name: str, role: str, kind: str = "user") -> Document:
        """A new principal; `kind` is `user` or `service`."""
        body = {"name": name, "role": role, "kind": kind}
        return self._api.create(self._api.path("principals"), body)

    def change(self, name: str, **fields: object) -> Document:
        """Set `role` or `disabled`."""
        return self._api.patch(self._api.path("principals", name), fields)

    def delete(self, name: str, *, now: bool = False) -> Document:
        """Delete a member with all tokens; its tombstone."""
        return self._api.delete(self._api.path("principals", name), now=now)
