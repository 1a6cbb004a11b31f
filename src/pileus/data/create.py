"""From SOURCE to a dataset version of an installation, in one call: packs go as they are made."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pileus.data.faults import Skipped
from pileus.data.ingest import prepare
from pileus.data.publish import Publishing

if TYPE_CHECKING:
    from pileus.data.progress import Report
    from pileus.sdk import Client


@dataclass(frozen=True)
class Created:
    """The version as the server tells it, and what a person should know of how it was made."""

    version: dict[str, Any]
    notices: tuple[str, ...]
    skipped: tuple[Skipped, ...]


def create_version(
    client: Client,
    name: str,
    source: str,
    *,
    progress: Report | None = None,
    **options: Any,
) -> Created:
    """A version of dataset `name` with the content of `source`; `options` are those of `prepare`."""
    with (
        tempfile.TemporaryDirectory(prefix="pileus-dataset-") as into,
        client.blobs.staging() as packs,
        Publishing(SdkUploader(client), name, progress) as publishing,
    ):
        sealed = publishing.offer
        prepared = prepare(
            source, into=Path(into), packs=packs, progress=progress, sealed=sealed, **options
        )
        version = publishing.finish(prepared)
    return Created(version, prepared.notices, prepared.skipped)


class SdkUploader:
    """What publishing needs of a server, by the SDK."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def missing(self, digests: Sequence[str]) -> list[str]:
        return self._client.blobs.missing(digests)

    def put_blob(self, digest: str, path: Path) -> None:
        self._client.blobs.put(digest, path)

    def create_version(
        self, name: str, manifest_digest: str, profile_digest: str | None
    ) -> dict[str, Any]:
        made = self._client.datasets.add_version(name, manifest_digest, profile_digest)
        return dict(made)
