"""Projects: the tenants of an installation."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.sdk.api import Api, Document, quoted


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

    def delete(self, name: str, *, now: bool = False) -> Document:
        """Delete a project with all that is in it; its tombstone. Only an operator may."""
        return self._api.delete(f"/api/v1/projects/{quoted(name)}", now=now)
