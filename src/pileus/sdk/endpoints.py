"""Endpoints and the revisions that they serve."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.sdk.api import Api, Document


class Endpoints:
    """Endpoints of a project."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self) -> Iterator[Document]:
        """Every endpoint."""
        return self._api.items(self._api.path("endpoints"))

    def get(self, name: str) -> Document:
        """One endpoint."""
        return self._api.get(self._api.path("endpoints", name))

    def create(self, name: str, model: str) -> Document:
        """A stable address that serves a model version, such as `digits:1`."""
        return self._api.create(self._api.path("endpoints"), {"name": name, "model": model})

    def update(self, name: str, model: str) -> Document:
        """Serve another model version at the same address."""
        return self._api.create(self._api.path("endpoints", name, "revisions"), {"model": model})

    def delete(self, name: str, *, now: bool = False) -> Document:
        """Stop answering at `name`; its tombstone."""
        return self._api.delete(self._api.path("endpoints", name), now=now)
