"""What an attempt finds under `inputs/`: dataset versions, and what the needs of its job left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pileus.core.schemas.jobs import AttemptInput, InputFile, Job, JobInput, JobSpec
from pileus.core.schemas.registry import DatasetVersion
from pileus.jobs.errors import JobRefused, OutputMissing
from pileus.jobs.results import artifacts_left, version_made
from pileus.jobs.store import job_of
from pileus.storage.transaction import Snapshot

DATA = "data"
"""Name of the input that holds what a recipe trains on, or a transform reads."""

CHECKPOINT = "checkpoint"
"""Name of the input that holds what an earlier attempt saved; nobody else may use it."""


def check_names(spec: JobSpec) -> None:
    """Raises JobRefused for a name that two inputs would have."""
    names = [wanted.name for wanted in spec.inputs]
    has_data = spec.dataset is not None or spec.dataset_from is not None
    reserved = {DATA, CHECKPOINT} if has_data else {CHECKPOINT}
    for name in names:
        if name in reserved or names.count(name) > 1:
            raise JobRefused(
                f"Input name {name!r} is taken",
                hint="Give each input of a job a name of its own, other than 'checkpoint'.",
            )


def dataset_input(name: str, version: DatasetVersion) -> AttemptInput:
    """The files of a version as an attempt finds them: manifest.json and packs/<digest>."""
    manifest = InputFile(path="manifest.json", digest=version.manifest, size=version.manifest_bytes)
    packs = tuple(
        InputFile(path=f"packs/{pack.digest}", digest=pack.digest, size=pack.size)
        for pack in version.packs
    )
    return AttemptInput(
        name=name, kind="dataset", dataset_version=version.id, files=(manifest, *packs)
    )


def with_outputs(snapshot: Snapshot, job: Job) -> Job:
    """The job, whose needs have ended, with what they left among its inputs.

    Raises OutputMissing, JobRefused, JobNotFound.
    """
    inputs = list(job.inputs)
    update: dict[str, Any] = {}
    if job.spec.dataset_from is not None:
        version = _version_of(snapshot, job_of(snapshot, job.project, job.spec.dataset_from))
        inputs.insert(0, dataset_input(DATA, version))
        update = {"dataset_version": version.id, "spec": into(job.spec, version)}
    inputs += [_output(snapshot, job, wanted) for wanted in job.spec.inputs if wanted.job]
    return job.model_copy(update={**update, "inputs": tuple(inputs)})


def into(spec: JobSpec, version: DatasetVersion) -> JobSpec:
    """The spec with the name of the dataset that a transform's result goes to. Raises JobRefused."""
    if spec.transform is None:
        return spec
    if version.kind not in spec.transform.kinds:
        raise JobRefused(
            f"Dataset {version.dataset!r} holds {version.kind}, and the transform is for"
            f" {' and '.join(sorted(spec.transform.kinds))}",
            hint="Leave out the steps and expectations of the other kind.",
        )
    return spec.model_copy(update={"into": spec.into or version.dataset})


def renamed(spec: JobSpec, names: Mapping[str, str]) -> JobSpec:
    """The spec with other ids for the jobs that it needs."""
    inputs = tuple(
        wanted.model_copy(update={"job": names.get(wanted.job, wanted.job)})
        if wanted.job
        else wanted
        for wanted in spec.inputs
    )
    source = spec.dataset_from
    return spec.model_copy(
        update={
            "needs": tuple(names.get(need, need) for need in spec.needs),
            "inputs": inputs,
            "dataset_from": source and names.get(source, source),
        }
    )


def _output(snapshot: Snapshot, job: Job, wanted: JobInput) -> AttemptInput:
    need = job_of(snapshot, job.project, wanted.job or "")
    if wanted.artifact is None and need.kind == "transform" and not need.spec.dry_run:
        return dataset_input(wanted.name, _version_of(snapshot, need))
    _, left = artifacts_left(snapshot, need)
    files = tuple(
        InputFile(path=one.path, digest=one.digest, size=one.size)
        for one in left
        if wanted.artifact is None
        or one.path == wanted.artifact
        or one.path.startswith(f"{wanted.artifact.rstrip('/')}/")
    )
    if not files:
        raise OutputMissing(need.id, f"artifact {wanted.artifact!r}" if wanted.artifact else "file")
    return AttemptInput(name=wanted.name, kind="files", job=need.reused or need.id, files=files)


def _version_of(snapshot: Snapshot, need: Job) -> DatasetVersion:
    version = version_made(snapshot, need)
    if version is None:
        raise OutputMissing(need.id, "dataset version")
    return version
