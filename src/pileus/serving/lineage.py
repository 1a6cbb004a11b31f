"""Where something came from: prediction → revision → model version → job → dataset version.

A version that a transform made goes on with its job, and so to the version that it read. Each step is one read by id; a prediction's own record is found by what its id carries.
"""

from __future__ import annotations

from typing import Any

from pileus.core.errors import NotFound
from pileus.core.schemas.jobs import Job
from pileus.core.schemas.registry import DatasetVersion, ModelVersion
from pileus.core.schemas.serving import Revision
from pileus.jobs.store import job_of
from pileus.metering.ledger import cost_of
from pileus.registry.store import dataset_versions, model_versions, resolve_dataset
from pileus.security.store import principals
from pileus.serving.errors import NoLineage
from pileus.serving.records import PREFIX, RecordService
from pileus.serving.store import endpoints, revisions
from pileus.storage.database import Database
from pileus.storage.transaction import Condition, Snapshot

Step = dict[str, Any]


class LineageService:
    """Follows ids upwards."""

    def __init__(self, database: Database, records: RecordService) -> None:
        self._database = database
        self._records = records

    async def of(self, project: str, identifier: str) -> Step:
        """The steps above `identifier`, nearest first. Raises NotFound, NoLineage."""
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
                " dataset version.",
            )
        steps = await self._database.read(lambda snapshot: follow(snapshot, project, identifier))
        return {"id": identifier, "steps": steps}


def _prediction(snapshot: Snapshot, record: dict[str, Any]) -> Step:
    asked_by = _who(snapshot, str(record.get("principal")))
    return {"noun": "prediction", **record, "asked_by": asked_by}


def _of_endpoint(snapshot: Snapshot, project: str, endpoint_id: str) -> list[Step]:
    endpoint = endpoints.get(snapshot, id=endpoint_id)
    if endpoint is None or endpoint.project != project:
        raise NotFound(f"Endpoint {endpoint_id!r} not found", hint="It may have been deleted.")
    return _of_revision(snapshot, project, endpoint.revision)


def _of_revision(snapshot: Snapshot, project: str, revision_id: str) -> list[Step]:
    revision = revisions.get(snapshot, id=revision_id)
    if revision is None or revision.project != project:
        raise NotFound(f"Revision {revision_id!r} not found")
    step = {
        "noun": "revision",
        "id": revision.id,
        "number": revision.number,
        "endpoint": _endpoint_name(snapshot, revision),
        "endpoint_id": revision.endpoint,
        "created_at": revision.created_at,
        "created_by": _who(snapshot, revision.created_by),
    }
    return [step, *_of_model_version(snapshot, project, revision.model_version)]


def _of_model_version(snapshot: Snapshot, project: str, version_id: str) -> list[Step]:
    version = model_versions.get(snapshot, id=version_id)
    if version is None or version.project != project:
        raise NotFound(f"Model version {version_id!r} not found")
    return [_model_step(snapshot, version), *_of_job(snapshot, project, version.job)]


def _of_job(snapshot: Snapshot, project: str, job_id: str) -> list[Step]:
    return _upwards(snapshot, project, job=job_id)


def _of_dataset(snapshot: Snapshot, project: str, version_id: str) -> list[Step]:
    return _upwards(snapshot, project, version=resolve_dataset(snapshot, project, version_id).id)


def _upwards(
    snapshot: Snapshot, project: str, job: str | None = None, version: str | None = None
) -> list[Step]:
    """Jobs and the versions they read, in turn. No id twice: a result may equal its source."""
    steps: list[Step] = []
    seen: set[str] = set()
    while (step_of := job or version) is not None and step_of not in seen:
        seen.add(step_of)
        if job is not None:
            found = job_of(snapshot, project, job)
            steps.append(_job_step(snapshot, found))
            job, version = None, found.dataset_version
        elif version is not None:
            names = _named(snapshot, project, version)
            if names:
                steps.append(_dataset_step(snapshot, names))
            job, version = names[0].job if names else None, None
    return steps


def _named(snapshot: Snapshot, project: str, version_id: str) -> list[DatasetVersion]:
    """One content under each of its names, the first that was made first: that is its origin."""
    where: list[Condition] = [("project", "=", project), ("id", "=", version_id)]
    found = dataset_versions.find(snapshot, where, order=["dataset"])
    return sorted(found, key=lambda version: version.created_at)


def _dataset_step(snapshot: Snapshot, names: list[DatasetVersion]) -> Step:
    version = names[0]
    step = {
        "noun": "dataset_version",
        "id": version.id,
        "datasets": sorted(f"{found.dataset}@{found.number}" for found in names),
        "source": version.source,
        "rows_train": version.rows_train,
        "rows_untouched": version.rows_untouched,
        "created_at": version.created_at,
        "created_by": _who(snapshot, version.created_by),
    }
    transform = version.info.get("transform")
    return step if transform is None else step | {"transform": transform}


def _model_step(snapshot: Snapshot, version: ModelVersion) -> Step:
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
        "created_at": version.created_at,
        "created_by": _who(snapshot, version.created_by),
    }


def _job_step(snapshot: Snapshot, job: Job) -> Step:
    return {
        "noun": "job",
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "recipe": job.spec.recipe,
        "command": job.spec.command,
        "transform": job.spec.transform and [step.step for step in job.spec.transform.steps],
        "code_digest": job.code_digest,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "submitted_by": _who(snapshot, job.submitted_by),
        "cost_micro": cost_of(snapshot, job.project, job.id),
    }


def _endpoint_name(snapshot: Snapshot, revision: Revision) -> str | None:
    endpoint = endpoints.get(snapshot, id=revision.endpoint)
    return endpoint.name if endpoint else None


def _who(snapshot: Snapshot, principal_id: str) -> str:
    principal = principals.get(snapshot, id=principal_id)
    return principal.name if principal else principal_id
