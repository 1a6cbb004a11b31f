"""What was deleted, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pileus.sdk.api import Api, Document


class Deleted:
    """Tombstones of a project."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self, **where: str) -> Iterator[Document]:
        """Tombstones, newest first, that have these values, such as `noun="dataset"`."""
        return self._api.items(self._api.path("deleted"), where)

    def undelete(self, identifier: str) -> Document:
        """Bring something back, by its id or its tombstone's; what its tombstone said."""
        return self._api.post(self._api.path("deleted", identifier, "undelete"))

    def records(self, before: datetime, *, now: bool = False) -> Document:
        """Delete the records of predictions that arrived before a time; their tombstone."""
        return self._api.delete(self._api.path("predictions"), before=before.isoformat(), now=now)
