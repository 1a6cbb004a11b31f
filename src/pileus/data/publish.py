"""
Hands a prepared version to the server: what is missing, then the version, in that order.

If anything fails before the last call, the server has blobs that nothing names, and no version.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from pileus.core.failpoints import failpoint
from pileus.core.names import check_name
from pileus.data.ingest import Prepared
from pileus.data.progress import Progress, Report, silent


class Uploader(Protocol):
    """What publishing needs of a server; the SDK has it."""

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Those of `digests` that the project does not have."""
        ...

    def put_blob(self, digest: str, path: Path) -> None:
        """Store the file's bytes, which have this SHA-256."""
        ...

    def create_version(
        self, name: str, manifest_digest: str, profile_digest: str | None
    ) -> dict[str, Any]:
        """Make a version of the dataset `name` with its profile, at once.

        The same content is the same version.
        """
        ...


def publish(
    uploader: Uploader, name: str, prepared: Prepared, progress: Report | None = None
) -> dict[str, Any]:
    """The dataset version that the server made, or had. Raises what the uploader raises."""
    report = progress or silent
    name = check_name(name, "dataset")
    missing = set(uploader.missing([blob.digest for blob in prepared.blobs]))
    wanted = [blob for blob in prepared.blobs if blob.digest in missing]
    total, done = sum(blob.size for blob in wanted), 0
    report(Progress("upload", done, total, "bytes"))
    for blob in wanted:
        uploader.put_blob(blob.digest, blob.path)
        done += blob.size
        report(Progress("upload", done, total, "bytes"))
    failpoint("dataset.uploaded")
    profile = None if prepared.profile is None else prepared.profile.digest
    return uploader.create_version(name, prepared.manifest_digest, profile)
