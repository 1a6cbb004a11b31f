"""Turns uploads into versions: checks a manifest, reads a job's bundle, then commits.

Here because it joins packages that may not know each other: data, registry, jobs, blobs.
"""

from __future__ import annotations

import asyncio

import msgspec

from pileus.core.errors import InvalidRequest
from pileus.core.ids import NewId
from pileus.core.names import check_name
from pileus.core.schemas.jobs import JobStatus
from pileus.core.schemas.registry import DatasetVersion, ModelVersion, Pack
from pileus.core.schemas.tenancy import Caller
from pileus.data.manifest import read_manifest
from pileus.data.schema import Manifest
from pileus.jobs.service import JobService
from pileus.jobs.store import job_of
from pileus.metering.storage import StorageAccount
from pileus.registry.datasets import DatasetService, VersionDraft
from pileus.registry.errors import ManifestRefused, RegistrationRefused
from pileus.registry.models import Origin, add_version, draft_of, version_of_job
from pileus.security.audit import AuditLog
from pileus.storage.blob import BlobStore, read_all
from pileus.storage.database import Database
from pileus.storage.errors import BlobNotFound
from pileus.storage.transaction import Transaction

MAX_MANIFEST_BYTES = 1024 * 1024 * 1024
"""About five million items; it is checked in memory."""

MAX_SHOWN = 1000
"""Classes or columns kept in the row, for show; the manifest has them all."""


class Registrar:
    """Makes dataset versions and model versions from what is already stored."""

    def __init__(
        self,
        database: Database,
        new_id: NewId,
        blobs: BlobStore,
        storage: StorageAccount,
        datasets: DatasetService,
        jobs: JobService,
        audit: AuditLog,
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._blobs = blobs
        self._storage = storage
        self._datasets = datasets
        self._jobs = jobs
        self._audit = audit

    async def dataset_version(self, caller: Caller, name: str, manifest: str) -> DatasetVersion:
        """The version that an uploaded manifest describes. Raises ManifestRefused."""
        name = check_name(name, "dataset")
        size = await self._blobs.size(caller.project, manifest)
        if size is not None and size > MAX_MANIFEST_BYTES:
            raise ManifestRefused(
                f"Manifest {manifest!r} has {size} bytes, more than {MAX_MANIFEST_BYTES}",
                hint="Split the data into several datasets.",
            )
        try:
            content = await read_all(self._blobs, caller.project, manifest)
        except BlobNotFound as error:
            raise ManifestRefused(
                f"Manifest {manifest!r} was not uploaded", hint="Upload it as a blob first."
            ) from error
        try:
            # A manifest of many items takes seconds to check; the loop serves others meanwhile.
            read = await asyncio.to_thread(read_manifest, content)
        except InvalidRequest as error:
            raise ManifestRefused(error.message, hint=error.hint) from error
        packs = tuple(Pack(digest=pack.digest, size=pack.size) for pack in read.packs)
        await self._check_packs(caller.project, packs)
        return await self._datasets.commit(
            caller, name, _draft(read, manifest, len(content), packs)
        )

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

    async def _check_packs(self, project: str, packs: tuple[Pack, ...]) -> None:
        sizes = await self._storage.sizes(project, [pack.digest for pack in packs])
        for pack in packs:
            if sizes.get(pack.digest) != pack.size:
                raise ManifestRefused(
                    f"Pack {pack.digest!r} of {pack.size} bytes was not uploaded",
                    hint="Upload every pack before the version.",
                )


def _draft(
    read: Manifest, manifest: str, manifest_bytes: int, packs: tuple[Pack, ...]
) -> VersionDraft:
    return VersionDraft(
        id=read.id,
        manifest=manifest,
        manifest_bytes=manifest_bytes,
        kind=read.kind,
        task=read.task,
        rows_train=read.rows.train,
        rows_untouched=read.rows.untouched,
        size_bytes=read.size_bytes,
        source=read.source,
        info={
            "label": read.label,
            "classes": list(read.classes or ())[:MAX_SHOWN],
            "columns": [msgspec.to_builtins(column) for column in (read.columns or ())[:MAX_SHOWN]],
            "image": msgspec.to_builtins(read.image),
            "split": msgspec.to_builtins(read.split),
        },
        packs=packs,
    )
