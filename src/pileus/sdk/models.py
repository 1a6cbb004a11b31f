"""Registered models and their versions."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.sdk.api import Api, Document


class Models:
    """Models of a project."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self) -> Iterator[Document]:
        """Every model."""
        return self._api.items(self._api.path("models"))

    def get(self, name: str) -> Document:
        """One model."""
        return self._api.get(self._api.path("models", name))

    def versions(self, name: str) -> Iterator[Document]:
        """Versions of a model."""
        return self._api.items(self._api.path("models", name, "versions"))

    def version(self, name: str, number: int) -> Document:
        """One version by its number."""
        return self._api.get(self._api.path("models", name, "versions", number))

    def register(self, name: str, job: str) -> Document:
        """Make what a succeeded job trained a version of the model `name`."""
        return self._api.create(self._api.path("models", name, "versions"), {"job": job})

    def delete(self, reference: str, *, now: bool = False) -> Document:
        """Delete a model with its versions, or one version, `digits:2`; its tombstone."""
        return self._api.delete(self._api.path("models", reference), now=now)
