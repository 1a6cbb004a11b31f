"""What a job has left: artifacts and a dataset version, its own or of the job that it reuses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from pileus.core.schemas.jobs import Artifact, Attempt, Job
from pileus.core.schemas.registry import DatasetVersion
from pileus.jobs.store import attempts_of
from pileus.registry.store import dataset_versions
from pileus.storage.transaction import Snapshot
from pileus.tracking.artifacts import artifacts_by


def artifacts_left(snapshot: Snapshot, job: Job) -> tuple[str, list[Artifact]]:
    """The newest try that left artifacts, by its first attempt, and what it left; empty when none did.

    Of a path that several members of a gang wrote, what the lowest rank did.
    """
    for members in newest_tries(snapshot, job.reused or job.id):
        left = left_by(snapshot, members)
        found: dict[str, Artifact] = {}
        for attempt in members:
            for artifact in left.get(attempt.id, ()):
                found.setdefault(artifact.path, artifact)
        if found:
            return members[0].id, [found[path] for path in sorted(found)]
    return "", []


def newest_tries(snapshot: Snapshot, job: str) -> Iterator[list[Attempt]]:
    """The tries of a job, the newest first, each as its members by rank."""
    tries = groupby(attempts_of(snapshot, job), key=lambda attempt: attempt.number)
    return reversed([list(members) for _, members in tries])


def left_by(
    snapshot: Snapshot, members: Sequence[Attempt], under: str | None = None
) -> dict[str, list[Artifact]]:
    """Attempt → what it left, by path, of those that left any; `under` a folder, or anywhere."""
    ids = [attempt.id for attempt in members]
    return artifacts_by(snapshot, members[0].project, ids, under)


def version_made(snapshot: Snapshot, job: Job) -> DatasetVersion | None:
    """The dataset version that a transform made, if it is still there."""
    version, into = job.summary.get("version"), job.spec.into
    if job.kind != "transform" or job.spec.dry_run or version is None or into is None:
        return None
    return dataset_versions.get(snapshot, project=job.project, dataset=into, id=str(version))
