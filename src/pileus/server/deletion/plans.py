"""What goes with a noun, what stays of it for lineage, and when it may not go.

Functions of a snapshot: each raises NotFound, StillUsed, LastAdmin, RoleTooLow or NotDeletable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from pileus.core.schemas.jobs import Job, JobStatus
from pileus.core.schemas.registry import DatasetVersion, ModelVersion
from pileus.core.schemas.tenancy import Caller, Role, Token
from pileus.jobs.pipelines import pipeline_of
from pileus.jobs.references import LIVE_JOBS
from pileus.jobs.schedules import schedule_named
from pileus.jobs.store import attempts_of, job_of, jobs
from pileus.jobs.tables import ATTEMPTS, JOBS, LEASES, PIPELINES, SCHEDULES
from pileus.registry.errors import DatasetNotFound, ModelNotFound
from pileus.registry.store import (
    VERSION_PREFIX,
    dataset_versions,
    datasets,
    model_versions,
    models,
    resolve_dataset,
    resolve_model,
)
from pileus.registry.tables import (
    DATASET_PROFILES,
    DATASET_VERSIONS,
    DATASETS,
    MODEL_VERSIONS,
    MODELS,
)
from pileus.security.errors import LastAdmin, ProjectNotFound, TokenNotFound
from pileus.security.service import DEFAULT_PROJECT, check_may_act_for, principal_named
from pileus.security.store import principals, projects, tokens
from pileus.security.tables import PRINCIPALS, PROJECTS, TOKENS
from pileus.security.tombstones import Burial
from pileus.server.deletion.errors import NotDeletable, StillUsed
from pileus.serving.lineage import dataset_step, endpoint_step, job_step, model_step
from pileus.serving.store import endpoint_named, endpoints, revisions
from pileus.serving.tables import ENDPOINTS, SEGMENTS
from pileus.storage.table import Table
from pileus.storage.transaction import Record, Snapshot
from pileus.tracking.tables import ARTIFACTS, METRIC_MARKS, METRIC_SEGMENTS, METRICS, STREAMS

Plan = Callable[[Snapshot, Caller, str], Burial]


def dataset(snapshot: Snapshot, caller: Caller, name: str) -> Burial:
    """A dataset with its versions, or one version: `digits@2`, `digits@dsv_…`."""
    if "@" in name or name.startswith(VERSION_PREFIX):
        return _dataset_version(snapshot, resolve_dataset(snapshot, caller.project, name))
    found = datasets.get(snapshot, project=caller.project, name=name)
    if found is None:
        raise DatasetNotFound(name)
    versions = dataset_versions.find(
        snapshot, [("project", "=", caller.project), ("dataset", "=", name)], order=["number"]
    )
    return Burial(
        noun="dataset",
        subject=found.id,
        name=name,
        rows=_rows(snapshot, DATASETS, id=found.id),
        children=tuple(_dataset_version(snapshot, version) for version in versions),
    )


def model(snapshot: Snapshot, caller: Caller, name: str) -> Burial:
    """A model with its versions, or one version: `digits:2`."""
    if ":" in name:
        return _model_version(snapshot, resolve_model(snapshot, caller.project, name))
    found = models.get(snapshot, project=caller.project, name=name)
    if found is None:
        raise ModelNotFound(name)
    versions = model_versions.find(
        snapshot, [("project", "=", caller.project), ("model", "=", name)], order=["number"]
    )
    return Burial(
        noun="model",
        subject=found.id,
        name=name,
        rows=_rows(snapshot, MODELS, id=found.id),
        children=tuple(_model_version(snapshot, version) for version in versions),
    )


def job(snapshot: Snapshot, caller: Caller, job_id: str) -> Burial:
    """A job that has ended, with its attempts, logs, metrics and artifacts."""
    found = job_of(snapshot, caller.project, job_id)
    if not found.status.is_final:
        raise StillUsed(
            f"Job {job_id!r} is {found.status}",
            hint=f"Stop it with `pileus job cancel {job_id}`, then delete it.",
        )
    _check_not_needed(snapshot, found)
    rows = _rows(snapshot, JOBS, id=job_id)
    for attempt in attempts_of(snapshot, job_id):
        rows += _rows(snapshot, ATTEMPTS, id=attempt.id)
        for table in (LEASES, STREAMS, METRIC_MARKS, METRIC_SEGMENTS, ARTIFACTS):
            rows += _rows(snapshot, table, attempt=attempt.id)
    rows += _rows(snapshot, METRICS, job=job_id)
    return Burial(
        noun="job",
        subject=job_id,
        name=found.name or job_id,
        rows=rows,
        digests=(found.code_digest,),
        lineage=job_step(snapshot, found),
        container=found.reused,
    )


def pipeline(snapshot: Snapshot, caller: Caller, pipeline_id: str) -> Burial:
    """A pipeline that has ended. Its jobs stay: each is deleted by itself."""
    found = pipeline_of(snapshot, caller.project, pipeline_id)
    if found.status is not None and not found.status.is_final:
        raise StillUsed(
            f"Pipeline {pipeline_id!r} is {found.status}",
            hint=f"Stop it with `pileus pipeline cancel {pipeline_id}`, then delete it.",
        )
    return Burial(
        noun="pipeline",
        subject=pipeline_id,
        name=found.name,
        rows=_rows(snapshot, PIPELINES, id=pipeline_id),
    )


def schedule(snapshot: Snapshot, caller: Caller, name: str) -> Burial:
    """A schedule. Its pipelines stay."""
    found = schedule_named(snapshot, caller.project, name)
    return Burial(
        noun="schedule", subject=found.id, name=name, rows=_rows(snapshot, SCHEDULES, id=found.id)
    )


def endpoint(snapshot: Snapshot, caller: Caller, name: str) -> Burial:
    """An address. Its revisions stay: predictions resolve to them."""
    found = endpoint_named(snapshot, caller.project, name)
    return Burial(
        noun="endpoint",
        subject=found.id,
        name=name,
        rows=_rows(snapshot, ENDPOINTS, id=found.id),
        lineage=endpoint_step(found),
    )


def principal(snapshot: Snapshot, caller: Caller, name: str) -> Burial:
    """A member with all tokens."""
    found = principal_named(snapshot, caller.project, name)
    check_may_act_for(caller, found)
    others = [
        one
        for one in principals.find(
            snapshot, [("role", "=", Role.ADMIN), ("disabled", "=", False)], order=["id"]
        )
        if one.id != found.id
    ]
    if not any(one.project == caller.project for one in others):
        raise LastAdmin(
            f"{name!r} is the last admin of project {caller.project_name!r}",
            hint="Give another principal the role admin first.",
        )
    if found.is_operator and not any(one.is_operator for one in others):
        raise LastAdmin(
            f"{name!r} is the last operator of this installation",
            hint="Nobody else could make projects, so it stays.",
        )
    owned = tokens.find(snapshot, [("principal", "=", found.id)], order=["id"])
    return Burial(
        noun="principal",
        subject=found.id,
        name=name,
        rows=_rows(snapshot, PRINCIPALS, id=found.id),
        children=tuple(_token(snapshot, one) for one in owned),
    )


def token(snapshot: Snapshot, caller: Caller, token_id: str) -> Burial:
    """A token: it stops working and leaves the list."""
    found = tokens.get(snapshot, id=token_id)
    if found is None or found.project != caller.project:
        raise TokenNotFound(
            f"Token {token_id!r} not found", hint="List them with `pileus token list`."
        )
    owner = principals.get(snapshot, id=found.principal)
    if owner is not None:
        check_may_act_for(caller, owner)
    return _token(snapshot, found)


def project(snapshot: Snapshot, caller: Caller, name: str) -> Burial:
    """A project's door: itself, members, tokens, endpoints. Nobody reaches the rest without it,
    which stays where it is until it is collected."""
    found = projects.get(snapshot, name=name)
    if found is None:
        raise ProjectNotFound(
            f"Project {name!r} not found", hint="List them with `pileus project list`."
        )
    if found.name == DEFAULT_PROJECT or found.id == caller.project:
        is_first = found.name == DEFAULT_PROJECT
        raise NotDeletable(
            f"Project {name!r} is {'the first of the installation' if is_first else 'your own'}"
            " and stays",
            hint="Delete what is in it."
            if is_first
            else "Delete what is in it, or let an operator of another project delete it.",
        )
    live = jobs.find(
        snapshot, [("project", "=", found.id), ("status", "in", LIVE_JOBS)], order=["id"]
    )
    if live:
        raise StillUsed(
            f"{len(live)} jobs of project {name!r} wait or run, such as {live[0].id!r}",
            hint=f"Stop them with `pileus job cancel --project {name} ID`, then delete it.",
        )
    rows = _rows(snapshot, PROJECTS, id=found.id)
    for table in (PRINCIPALS, TOKENS, ENDPOINTS):
        rows += _rows(snapshot, table, project=found.id)
    return Burial(noun="project", subject=found.id, name=name, rows=rows)


def records(snapshot: Snapshot, caller: Caller, before: str) -> Burial:
    """Records of predictions that arrived before a time."""
    moment = datetime.fromisoformat(before)
    found = snapshot.find(
        SEGMENTS,
        [("project", "=", caller.project), ("created_at", "<", moment)],
        order=["created_at"],
    )
    return Burial(
        noun="prediction_records",
        subject=f"records_before_{moment.isoformat()}",
        name=f"before {moment:%Y-%m-%d %H:%M %Z}",
        rows=[(SEGMENTS, record) for record in found],
    )


PLANS: Mapping[str, Plan] = {
    "dataset": dataset,
    "endpoint": endpoint,
    "job": job,
    "model": model,
    "pipeline": pipeline,
    "principal": principal,
    "project": project,
    "records": records,
    "schedule": schedule,
    "token": token,
}


def _check_not_needed(snapshot: Snapshot, found: Job) -> None:
    """Raises StillUsed while another job reads, or will read, what this one left."""
    by_reuse = jobs.find(
        snapshot, [("project", "=", found.project), ("reused", "=", found.id)], order=["id"]
    )
    if by_reuse:
        raise StillUsed(
            f"Job {by_reuse[0].id!r} has the result of job {found.id!r}",
            hint=f"Delete that first: `pileus job delete {by_reuse[0].id}`.",
        )
    for one in jobs.find(
        snapshot, [("project", "=", found.project), ("status", "in", LIVE_JOBS)], order=["id"]
    ):
        if found.id in one.spec.all_needs:
            raise StillUsed(
                f"Job {one.id!r}, which is {one.status}, needs job {found.id!r}",
                hint=f"Stop it with `pileus job cancel {one.id}`, or wait until it has ended.",
            )


def _dataset_version(snapshot: Snapshot, version: DatasetVersion) -> Burial:
    label = f"{version.dataset}@{version.number}"
    readers = [
        job
        for job in jobs.find(
            snapshot,
            [("project", "=", version.project), ("status", "in", LIVE_JOBS)],
            order=["id"],
        )
        if version.id in {wanted.dataset_version for wanted in job.inputs}
    ]
    if readers:
        doing = "runs on" if readers[0].status is JobStatus.RUNNING else "waits for"
        raise StillUsed(
            f"Job {readers[0].id!r} {doing} dataset version {label!r}",
            hint=f"Stop it with `pileus job cancel {readers[0].id}`, or wait until it has ended.",
        )
    container = datasets.get(snapshot, project=version.project, name=version.dataset)
    rows = _rows(
        snapshot, DATASET_VERSIONS, project=version.project, dataset=version.dataset, id=version.id
    )
    content = _rows(snapshot, DATASET_VERSIONS, project=version.project, id=version.id)
    if len(content) == 1:  # its profiles are of the content, which no other name holds
        rows += _rows(snapshot, DATASET_PROFILES, project=version.project, version=version.id)
    return Burial(
        noun="dataset_version",
        subject=version.id,
        name=label,
        rows=rows,
        digests=(version.manifest,),
        lineage=dataset_step(snapshot, version, [label]),
        container=container.id if container else None,
    )


def _model_version(snapshot: Snapshot, version: ModelVersion) -> Burial:
    serving = [
        one.name
        for one in endpoints.find(snapshot, [("project", "=", version.project)], order=["name"])
        if (found := revisions.get(snapshot, id=one.revision)) is not None
        and found.model_version == version.id
    ]
    if serving:
        raise StillUsed(
            f"Endpoint {serving[0]!r} serves model version {version.label!r}",
            hint=f"Serve another with `pileus endpoint update {serving[0]} --model MODEL:N`,"
            f" or delete it with `pileus endpoint delete {serving[0]}`.",
        )
    container = models.get(snapshot, project=version.project, name=version.model)
    return Burial(
        noun="model_version",
        subject=version.id,
        name=version.label,
        rows=_rows(snapshot, MODEL_VERSIONS, id=version.id),
        digests=tuple(file.digest for file in version.bundle),
        lineage=model_step(snapshot, version),
        container=container.id if container else None,
    )


def _token(snapshot: Snapshot, found: Token) -> Burial:
    return Burial(
        noun="token",
        subject=found.id,
        name=found.name,
        rows=_rows(snapshot, TOKENS, id=found.id),
        container=found.principal,
    )


def _rows(snapshot: Snapshot, table: Table, **where: str) -> list[tuple[Table, Record]]:
    conditions: Iterable[tuple[str, str, str]] = [(k, "=", v) for k, v in where.items()]
    found = snapshot.find(table, list(conditions), order=list(table.key))  # type: ignore[arg-type]
    return [(table, record) for record in found]
