"""Artifacts: files that attempts left in `out/`, kept as blobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from pileus.core.schemas.jobs import Artifact
from pileus.storage.transaction import Condition, Snapshot, Transaction
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


def artifacts_by(
    snapshot: Snapshot, project: str, attempts: Sequence[str], under: str | None = None
) -> dict[str, list[Artifact]]:
    """Attempt → what it left, by path, of those that left any; `under` a folder, or anywhere."""
    where: list[Condition] = [("project", "=", project), ("attempt", "in", list(attempts))]
    if under is not None:
        where += [("path", ">", f"{under}/"), ("path", "<", f"{under}0")]  # "0" is after "/"
    found: dict[str, list[Artifact]] = defaultdict(list)
    for record in snapshot.find(ARTIFACTS, where, order=["path"]):
        found[record["attempt"]].append(Artifact.model_validate(record))
    return dict(found)


def artifact_at(left: Iterable[Artifact], path: str) -> Artifact:
    """One artifact of those by path. Raises ArtifactNotFound."""
    for artifact in left:
        if artifact.path == path:
            return artifact
    raise ArtifactNotFound(
        f"Artifact {path!r} not found", hint="List them with `pileus job artifacts JOB`."
    )
