"""Artifacts: files that attempts left in `out/`, kept as blobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pileus.core.schemas.jobs import Artifact
from pileus.storage.transaction import Snapshot, Transaction
from pileus.tracking.errors import ArtifactNotFound
from pileus.tracking.tables import ARTIFACTS


def record_artifacts(
    transaction: Transaction,
    project: str,
    job: str,
    attempt: str,
    artifacts: Sequence[Artifact],
) -> None:
    """Note, in the transaction that ends the attempt, what it left."""
    for artifact in artifacts:
        transaction.put(
            ARTIFACTS,
            {
                "project": project,
                "job": job,
                "attempt": attempt,
                "path": artifact.path,
                "digest": artifact.digest,
                "size": artifact.size,
            },
        )


def artifacts_of(snapshot: Snapshot, project: str, attempt: str) -> list[Artifact]:
    """What one attempt left, by path."""
    found = snapshot.find(
        ARTIFACTS, [("project", "=", project), ("attempt", "=", attempt)], order=["path"]
    )
    return [Artifact.model_validate(record) for record in found]


def artifact_at(left: Iterable[Artifact], path: str) -> Artifact:
    """One artifact of those by path. Raises ArtifactNotFound."""
    for artifact in left:
        if artifact.path == path:
            return artifact
    raise ArtifactNotFound(
        f"Artifact {path!r} not found", hint="List them with `pileus job artifacts JOB`."
    )
