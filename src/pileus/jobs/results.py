"""What a job has left: artifacts and a dataset version, its own or of the job that it reuses."""

from __future__ import annotations

from pileus.core.schemas.jobs import Artifact, Job
from pileus.core.schemas.registry import DatasetVersion
from pileus.jobs.store import attempts_of
from pileus.registry.store import dataset_versions
from pileus.storage.transaction import Snapshot
from pileus.tracking.artifacts import artifacts_of


def artifacts_left(snapshot: Snapshot, job: Job) -> tuple[str, list[Artifact]]:
    """The newest attempt that left artifacts, and what it left; empty when none did."""
    for attempt in reversed(attempts_of(snapshot, job.reused or job.id)):
        found = artifacts_of(snapshot, job.project, attempt.id)
        if found:
            return attempt.id, found
    return "", []


def version_made(snapshot: Snapshot, job: Job) -> DatasetVersion | None:
    """The dataset version that a transform made, if it is still there."""
    version, into = job.summary.get("version"), job.spec.into
    if job.kind != "transform" or job.spec.dry_run or version is None or into is None:
        return None
    return dataset_versions.get(snapshot, project=job.project, dataset=into, id=str(version))
