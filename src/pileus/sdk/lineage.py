"""Where a thing came from, why it is as it is, and who changed what."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.sdk.api import Api, Document


class Lineage:
    """Questions about any id of a project."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def of(self, identifier: str) -> Document:
        """The chain behind an id: prediction → revision → model version → job → dataset version.

        A version may be named as well: `digits@2`, `digits:1`.
        """
        return self._api.get(self._api.path("lineage", identifier))

    def why(self, identifier: str) -> Document:
        """Why it waits, failed or answers as it does, with the next step."""
        return self._api.get(self._api.path("why", identifier))

    def prediction(self, identifier: str) -> Document:
        """What is known of one answered request."""
        return self._api.get(self._api.path("predictions", identifier))

    def audit(self) -> Iterator[Document]:
        """Audit events: what principals changed."""
        return self._api.items(self._api.path("audit"))
