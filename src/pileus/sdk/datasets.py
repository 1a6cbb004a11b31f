"""Datasets and their immutable versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pileus.sdk.api import Api, Document
from pileus.sdk.blobs import Blobs


class Datasets:
    """Datasets of a project."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._blobs = Blobs(api)

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

    def add_version(self, name: str, manifest: str, profile: str | None = None) -> Document:
        """Make a version from a manifest whose blobs are stored; the dataset too, when it is new.

        `manifest` and `profile` are the SHA-256 of their blobs. The same content gives the same
        version.
        """
        path = self._api.path("datasets", name, "versions")
        body = (
            {"manifest": manifest}
            if profile is None
            else {"manifest": manifest, "profile": profile}
        )
        return self._api.create(path, body)

    def delete(self, reference: str, *, now: bool = False) -> Document:
        """Delete a dataset with its versions, or one version, `digits@2`; its tombstone."""
        return self._api.delete(self._api.path("datasets", reference), now=now)

    def profiles(self, version: str) -> Iterator[Document]:
        """Profiles of a version (`dsv_…`, `name`, `name@2`), first to last.

        The document of each is the blob `digest`.
        """
        return self._api.items(self._api.path("dataset-versions", version, "profiles"))

    def newest_profile(self, version: str) -> bytes | None:
        """The newest profile document of a version; None when it has none."""
        known = [*self.profiles(version)]
        return self._blobs.get(known[-1]["digest"]) if known else None

    def add_profile(self, version: str, profile: str) -> Document:
        """Add a profile, whose document is stored as the blob `profile`; earlier ones stay."""
        path = self._api.path("dataset-versions", version, "profiles")
        return self._api.create(path, {"profile": profile})

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
