"""Turns uploads into versions: reads the draft of one, then commits it.

Here because it joins packages that may not know each other: data, registry, jobs, blobs.
"""

from __future__ import annotations

from pileus.core.ids import NewId
from pileus.core.names import check_name
from pileus.core.schemas.jobs import JobStatus
from pileus.core.schemas.registry import DatasetProfile, DatasetVersion, ModelVersion
from pileus.core.schemas.tenancy import Caller
from pileus.jobs.service import JobService
from pileus.jobs.store import job_of
from pileus.metering.storage import StorageAccount
from pileus.registry.datasets import DatasetService
from pileus.registry.errors import RegistrationRefused
from pileus.registry.models import Origin, add_version, draft_of, version_of_job
from pileus.registry.profiles import ProfileService
from pileus.security.audit import AuditLog
from pileus.server.drafts import Drafts
from pileus.storage.blob import BlobStore
from pileus.storage.database import Database
from pileus.storage.transaction import Transaction


class Registrar:
    """Makes dataset versions and model versions from what is already stored."""

    def __init__(
        self,
        database: Database,
        new_id: NewId,
        blobs: BlobStore,
        drafts: Drafts,
        storage: StorageAccount,
        datasets: DatasetService,
        profiles: ProfileService,
        jobs: JobService,
        audit: AuditLog,
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._blobs = blobs
        self._drafts = drafts
        self._storage = storage
        self._datasets = datasets
        self._profiles = profiles
        self._jobs = jobs
        self._audit = audit

    async def dataset_version(
        self, caller: Caller, name: str, manifest: str, profile: str | None = None
    ) -> DatasetVersion:
        """The version that an uploaded manifest describes, and its profile, if one was uploaded.

        Raises ManifestRefused, ProfileRefused.
        """
        name = check_name(name, "dataset")
        draft, described = await self._drafts.version(caller.project, manifest, profile)
        return await self._datasets.commit(caller, name, draft, described)

    async def dataset_profile(self, caller: Caller, version: str, profile: str) -> DatasetProfile:
        """A further profile of a version, from an uploaded document.

        Raises DatasetNotFound, ProfileRefused.
        """
        found = await self._datasets.version(caller.project, version)
        draft = await self._drafts.profile(caller.project, found.manifest, profile)
        return await self._profiles.commit(caller, version, draft)

    async def model_version(self, caller: Caller, name: str, job_id: str) -> ModelVersion:
        """Register what a job left behind. Raises JobNotFound, RegistrationRefused."""
        name = check_name(name, "model")
        job = await self._jobs.job(caller.project, job_id)
        if job.status is not JobStatus.SUCCEEDED:
            raise RegistrationRefused(
                f"Job {job_id!r} is {job.status}", hint="Only a succeeded job can be registered."
            )
        attempt, artifacts = await self._jobs.artifacts(caller.project, job_id)
        draft = await draft_of(self._blobs, caller.project, artifacts)
        origin = Origin(
            project=caller.project,
            job=job.id,
            attempt=attempt,
            dataset_version=job.dataset_version,
            code_digest=job.code_digest,
            created_by=caller.principal,
        )

        def work(transaction: Transaction) -> ModelVersion:
            existing = version_of_job(transaction, caller.project, name, job.id)
            if existing is not None:
                return existing
            job_of(transaction, caller.project, job.id)  # it may have been deleted meanwhile
            self._storage.claim(transaction, caller.project, [f.digest for f in draft.bundle])
            version = add_version(transaction, self._new_id, name, draft, origin)
            self._audit.append(transaction, caller, "register", "model_version", version.id)
            return version

        return await self._database.write(work)
