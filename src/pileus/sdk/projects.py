"""Projects: the tenants of an installation."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.sdk.api import Api, Document


class Projects:
    """Projects that the token may see."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self) -> Iterator[Document]:
        """Every project."""
        return self._api.items("/api/v1/projects")

    def get(self) -> Document:
        """The client's own project."""
        return self._api.get(self._api.path())

    def create(self, name: str) -> Document:
        """A new project, with the token of its first admin, which is shown this once."""
        return self._api.create("/api/v1/projects", {"name": name})
