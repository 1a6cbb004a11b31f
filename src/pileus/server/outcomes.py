"""What successful jobs make: a training a model version, a transform a dataset version.

Here because it joins packages that may not know each other: data, registry, jobs, blobs.
"""

from __future__ import annotations

from collections.abc import Sequence

from pileus.core.errors import PileusError
from pileus.core.ids import NewId
from pileus.core.schemas.jobs import Artifact, Job, JobStatus
from pileus.data.clean.artifacts import MANIFEST, PROFILE
from pileus.jobs.outcomes import Make
from pileus.registry.datasets import VersionOrigin, add_dataset_version
from pileus.registry.errors import ManifestRefused
from pileus.registry.models import Origin, add_version, draft_of
from pileus.registry.profiles import add_profile
from pileus.server.drafts import Drafts
from pileus.storage.blob import BlobStore
from pileus.storage.transaction import Transaction


class ModelOutcome:
    """Registers what a training left, where that was asked for."""

    def __init__(self, blobs: BlobStore, new_id: NewId) -> None:
        self._blobs = blobs
        self._new_id = new_id

    async def read(self, job: Job, attempt: str, artifacts: Sequence[Artifact]) -> Make | None:
        name = job.spec.register_as
        if name is None:
            return None
        draft = await draft_of(self._blobs, job.project, artifacts)
        origin = Origin(
            project=job.project,
            job=job.id,
            attempt=attempt,
            dataset_version=job.dataset_version,
            code_digest=job.code_digest,
            created_by=job.submitted_by,
        )

        def make(transaction: Transaction) -> None:
            add_version(transaction, self._new_id, name, draft, origin)

        return make

    def refused(self, job: Job, error: PileusError) -> Job:
        update = {"reason": f"Not registered: {error.message}", "hint": error.hint}
        return job.model_copy(update=update)


class VersionOutcome:
    """Makes the dataset version that a transform wrote."""

    def __init__(self, drafts: Drafts, new_id: NewId) -> None:
        self._drafts = drafts
        self._new_id = new_id

    async def read(self, job: Job, attempt: str, artifacts: Sequence[Artifact]) -> Make | None:
        name = job.spec.into
        if job.spec.dry_run or name is None:
            return None
        digests = {file.path: file.digest for file in artifacts}
        manifest = digests.get(MANIFEST)
        if manifest is None:
            raise ManifestRefused(
                f"Attempt {attempt!r} left no artifact {MANIFEST!r}", hint="Run the job again."
            )
        draft, profile = await self._drafts.version(job.project, manifest, digests.get(PROFILE))
        origin = VersionOrigin(job.project, job.submitted_by, job.id)

        def make(transaction: Transaction) -> None:
            add_dataset_version(transaction, self._new_id, name, draft, origin)
            if profile is not None:
                add_profile(
                    transaction, self._new_id, job.project, draft.id, profile, job.submitted_by
                )

        return make

    def refused(self, job: Job, error: PileusError) -> Job:
        """A transform that made nothing has failed."""
        reason = f"No version was made: {error.message}"
        return job.model_copy(
            update={"status": JobStatus.FAILED, "reason": reason, "hint": error.hint}
        )
