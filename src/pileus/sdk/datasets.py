"""Datasets and their immutable versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pileus.sdk.api import Api, Document


class Datasets:
    """Datasets of a project."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self) -> Iterator[Document]:
        """Every dataset."""
        return self._api.items(self._api.path("datasets"))

    def get(self, name: str) -> Document:
        """One dataset."""
        return self._api.get(self._api.path("datasets", name))

    def versions(self, name: str) -> Iterator[Document]:
        """Versions of a dataset."""
        return self._api.items(self._api.path("datasets", name, "versions"))

    def version(self, identifier: str) -> Document:
        """One version by its id, `dsv_…`."""
        return self._api.get(self._api.path("dataset-versions", identifier))

    def add_version(self, name: str, manifest: str) -> Document:
        """Make a version from a manifest whose blobs are stored; the dataset too, when it is new.

        `manifest` is the SHA-256 of the manifest's blob. The same content gives the same version.
        """
        path = self._api.path("datasets", name, "versions")
        return self._api.create(path, {"manifest": manifest})

    def clean(
        self,
        name: str,
        transform: Document,
        *,
        into: str | None = None,
        dry_run: bool = False,
        **spec: Any,
    ) -> Document:
        """A job that makes a cleaned version; `transform` as in `core.schemas.transform.Transform`.

        `spec` are other fields of the job, such as `resources`. Wait with `jobs.wait`.
        """
        body = {"kind": "transform", "dataset": name, "transform": dict(transform)}
        body |= {"into": into, "dry_run": dry_run} | spec
        return self._api.create(self._api.path("jobs"), body)
