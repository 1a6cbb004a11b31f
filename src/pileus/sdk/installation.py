"""The installation's own affairs: health, nodes, drain."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.sdk.api import Api, Document, quoted


class Installation:
    """What an operator asks of the whole installation."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def health(self) -> Document:
        """State and version of the server; needs no token."""
        return self._api.get("/api/v1/health")

    def nodes(self) -> Iterator[Document]:
        """Machines that run attempts, and what they have."""
        return self._api.items("/api/v1/nodes")

    def remove_node(self, name: str) -> Document:
        """Forget a node that has gone for good; the tombstone. Needs an operator.

        Raises NotFound for one that is not there, Conflict for one that may still run something.
        """
        return self._api.delete(f"/api/v1/nodes/{quoted(name)}")

    def drain(self) -> Document:
        """Checkpoint and requeue what runs, and start nothing more."""
        return self._api.post("/api/v1/drain")

    def collect(self, *, dry_run: bool = False) -> Document:
        """Remove for good what is due; with `dry_run` only say what would go."""
        answer = self._api.call(
            "POST", "/api/v1/collect", params={"dry_run": dry_run}, timeout_seconds=600.0
        )
        document: Document = answer.json()
        return document
