"""Secrets: values that jobs are given by name, and nobody is shown."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.sdk.api import Api, Document


class Secrets:
    """Secrets of a project; only an admin may change them."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def set(self, name: str, value: str | bytes) -> Document:
        """Attempts that start from now on are given this value; text is sent as UTF-8."""
        content = value.encode() if isinstance(value, str) else value
        headers = {"Content-Type": "application/octet-stream"}
        answer = self._api.call(
            "PUT", self._api.path("secrets", name), content=lambda: content, headers=headers
        )
        document: Document = answer.json()
        return document

    def list(self) -> Iterator[Document]:
        """Secrets, oldest first: name, version, when and by whom it was set."""
        return self._api.items(self._api.path("secrets"))

    def remove(self, name: str) -> None:
        """It is gone at once; a job that names it fails when it starts."""
        self._api.call("DELETE", self._api.path("secrets", name))
