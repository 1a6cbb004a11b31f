"""Where something came from: prediction → revision → model version → job → dataset version.

A version that a transform made goes on with its job, and so to the version that it read. Each step is one read by id; a prediction's own record is found by what its id carries.
"""

from __future__ import annotations

from typing import Any

from pileus.core.errors import NotFound
from pileus.core.schemas.deletion import Tombstone
from pileus.core.schemas.jobs import Job
from pileus.core.schemas.registry import DatasetVersion, ModelVersion
from pileus.core.schemas.serving import Endpoint, Revision
from pileus.jobs.errors import JobNotFound
from pileus.jobs.store import jobs
from pileus.metering.ledger import cost_of
from pileus.registry.errors import DatasetNotFound
from pileus.registry.store import (
    dataset_versions,
    model_versions,
    resolve_dataset,
    resolve_model,
)
from pileus.security.store import principal_name, tombstone_of
from pileus.serving.errors import NoLineage
from pileus.serving.records import PREFIX, RecordService
from pileus.serving.store import endpoints, revisions
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot

Step = dict[str, Any]


class LineageService:
    """Follows ids upwards."""

    def __init__(self, database: Database, records: RecordService) -> None:
        self._database = database
        self._records = records

    async def of(self, project: str, identifier: str) -> Step:
        """The steps above an id, or above `digits@2` or `digits:1`, nearest first.

        Raises NotFound, NoLineage.
        """
        identifier = await self._database.read(lambda s: _id_of(s, project, identifier))
        prefix = identifier.partition("_")[0]
        if prefix == PREFIX:
            record = await self._records.record(project, identifier)
            steps = await self._database.read(
                lambda snapshot: [
                    _prediction(snapshot, record),
                    *_of_revision(snapshot, project, str(record.get("revision"))),
                ]
            )
            return {"id": identifier, "steps": steps}
        follow = {
            "rvn": _of_revision,
            "end": _of_endpoint,
            "mdv": _of_model_version,
            "job": _of_job,
            "dsv": _of_dataset,
        }.get(prefix)
        if follow is None:
            raise NoLineage(
                f"{identifier!r} has no lineage",
                hint="Give the id of a prediction, endpoint, revision, model version, job or"
                " dataset version, or write a version as DATASET@NUMBER or MODEL:NUMBER.",
            )
        steps = await self._database.read(lambda snapshot: follow(snapshot, project, identifier))
        return {"id": identifier, "steps": steps}


def _id_of(snapshot: Snapshot, project: str, identifier: str) -> str:
    """No id holds `@` or `:`."""
    if "@" in identifier:
        return resolve_dataset(snapshot, project, identifier).id
    if ":" in identifier:
        return resolve_model(snapshot, project, identifier).id
    return identifier


def _prediction(snapshot: Snapshot, record: dict[str, Any]) -> Step:
    asked_by = principal_name(snapshot, str(record.get("principal")))
    return {"noun": "prediction", **record, "asked_by": asked_by}


def _of_endpoint(snapshot: Snapshot, project: str, endpoint_id: str) -> list[Step]:
    endpoint = endpoints.get(snapshot, id=endpoint_id)
    if endpoint is not None and endpoint.project == project:
        return _of_revision(snapshot, project, endpoint.revision)
    tombstone = tombstone_of(snapshot, endpoint_id, project)
    if tombstone is None:
        raise NotFound(f"Endpoint {endpoint_id!r} not found", hint="Check the id.")
    revision = str(tombstone.lineage.get("revision"))
    return [deleted_step(tombstone), *_of_revision(snapshot, project, revision)]


def _of_revision(snapshot: Snapshot, project: str, revision_id: str) -> list[Step]:
    revision = revisions.get(snapshot, id=revision_id)
    if revision is None or revision.project != project:
        raise NotFound(f"Revision {revision_id!r} not found")
    step = {
        "noun": "revision",
        "id": revision.id,
        "number": revision.number,
        **_endpoint_of(snapshot, revision),
        "endpoint_id": revision.endpoint,
        "created_at": revision.created_at,
        "created_by": principal_name(snapshot, revision.created_by),
    }
    return [step, *_of_model_version(snapshot, project, revision.model_version)]


def _of_model_version(snapshot: Snapshot, project: str, version_id: str) -> list[Step]:
    version = model_versions.get(snapshot, id=version_id)
    if version is not None and version.project == project:
        return [model_step(snapshot, version), *_of_job(snapshot, project, version.job)]
    tombstone = tombstone_of(snapshot, version_id, project)
    if tombstone is None:
        raise NotFound(f"Model version {version_id!r} not found")
    step = deleted_step(tombstone)
    return [step, *_of_job(snapshot, project, str(step.get("job")))]


def _of_job(snapshot: Snapshot, project: str, job_id: str) -> list[Step]:
    return _upwards(snapshot, project, job=job_id)


def _of_dataset(snapshot: Snapshot, project: str, version_id: str) -> list[Step]:
    return _upwards(snapshot, project, version=version_id)


def _upwards(
    snapshot: Snapshot, project: str, job: str | None = None, version: str | None = None
) -> list[Step]:
    """Jobs and the versions they read, in turn. No id twice: a result may equal its source."""
    steps: list[Step] = []
    seen: set[str] = set()
    while (step_of := job or version) is not None and step_of not in seen:
        seen.add(step_of)
        if job is not None:
            step = _step_of_job(snapshot, project, job)
            job, version = None, step.get("dataset_version")
        else:
            step = _step_of_version(snapshot, project, step_of)
            job, version = step.get("job"), None
        steps.append(step)
    return steps


def _step_of_job(snapshot: Snapshot, project: str, job_id: str) -> Step:
    job = jobs.get(snapshot, id=job_id)
    if job is not None and job.project == project:
        return job_step(snapshot, job)
    tombstone = tombstone_of(snapshot, job_id, project)
    if tombstone is None:
        raise JobNotFound(job_id)
    return deleted_step(tombstone)


def _step_of_version(snapshot: Snapshot, project: str, reference: str) -> Step:
    found = dataset_versions.find(
        snapshot, [("project", "=", project), ("id", "=", reference)], order=["dataset"]
    )
    if found:
        # One content under each of its names: the first that was made is its origin.
        origin = min(found, key=lambda version: version.created_at)
        names = [f"{version.dataset}@{version.number}" for version in found]
        return dataset_step(snapshot, origin, names)
    tombstone = tombstone_of(snapshot, reference, project)
    if tombstone is None:
        raise DatasetNotFound(reference)
    return deleted_step(tombstone)


def deleted_step(tombstone: Tombstone) -> Step:
    """The step of something that was deleted: what it was, and by whom it went."""
    return {
        **tombstone.lineage,
        "noun": tombstone.noun,
        "id": tombstone.subject,
        "name": tombstone.name,
        "digests": list(tombstone.digests),
        "deleted_at": tombstone.created_at,
        "deleted_by": tombstone.deleted_by_name,
    }


def endpoint_step(endpoint: Endpoint) -> Step:
    """What a lineage says of an endpoint that was deleted."""
    return {
        "noun": "endpoint",
        "id": endpoint.id,
        "revision": endpoint.revision,
        "number": endpoint.number,
    }


def dataset_step(snapshot: Snapshot, version: DatasetVersion, names: list[str]) -> Step:
    """What a lineage says of a dataset version, which may belong to several datasets."""
    step = {
        "noun": "dataset_version",
        "id": version.id,
        "datasets": names,
        "source": version.source,
        "rows_train": version.rows_train,
        "rows_untouched": version.rows_untouched,
        "job": version.job,
        "created_at": version.created_at,
        "created_by": principal_name(snapshot, version.created_by),
    }
    transform = version.info.get("transform")
    return step if transform is None else step | {"transform": transform}


def model_step(snapshot: Snapshot, version: ModelVersion) -> Step:
    """What a lineage says of a model version."""
    return {
        "noun": "model_version",
        "id": version.id,
        "name": version.label,
        "evaluation": {
            name: value
            for name, value in version.evaluation.items()
            if isinstance(value, int | float | str)
        },
        "parity": version.parity,
        "job": version.job,
        "created_at": version.created_at,
        "created_by": principal_name(snapshot, version.created_by),
    }


def job_step(snapshot: Snapshot, job: Job) -> Step:
    """What a lineage says of a job."""
    return {
        "noun": "job",
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "recipe": job.spec.recipe,
        "command": job.spec.command,
        "transform": job.spec.transform and [step.step for step in job.spec.transform.steps],
        "code_digest": job.code_digest,
        "dataset_version": job.dataset_version,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "submitted_by": principal_name(snapshot, job.submitted_by),
        "cost_micro": cost_of(snapshot, job.project, job.id),
    }


def _endpoint_of(snapshot: Snapshot, revision: Revision) -> Step:
    endpoint = endpoints.get(snapshot, id=revision.endpoint)
    if endpoint is not None:
        return {"endpoint": endpoint.name}
    tombstone = tombstone_of(snapshot, revision.endpoint, revision.project)
    if tombstone is None:
        return {"endpoint": None}
    return {
        "endpoint": tombstone.name,
        "endpoint_deleted_at": tombstone.created_at,
        "endpoint_deleted_by": tombstone.deleted_by_name,
    }
