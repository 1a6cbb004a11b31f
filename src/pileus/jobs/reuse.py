"""Whether a job's result is known already: an equal job has succeeded, and what it made is there.

Equal is what a result follows from: code, parameters, the content of inputs, the environment, the
versions of secrets. How much of a machine, how long and how often it may try is not part of it.
"""

from __future__ import annotations

import hashlib
import json

from pileus import __version__
from pileus.core.schemas.jobs import AttemptInput, Job, JobStatus
from pileus.jobs.results import version_made
from pileus.jobs.store import jobs
from pileus.registry.models import version_of_job
from pileus.security.secrets import editions
from pileus.storage.transaction import Snapshot

_CONSIDERED = 10
"""Newest equal jobs whose results are looked at."""


def key_of(snapshot: Snapshot, job: Job) -> str:
    """SHA-256 of what the result follows from, once all inputs are known."""
    spec = job.spec
    parts: dict[str, object] = {
        "pileus": __version__,  # what runs a recipe or transform, and what a command is given
        "kind": job.kind,
        "code": job.code_digest,
        "params": job.params,
        "inputs": sorted(map(_content, job.inputs)),
        "command": spec.command,
        "environment": spec.environment_file,
        "env": spec.env,
        "sandbox": spec.sandbox,
        "into": spec.into,
        "dry_run": spec.dry_run,
        "register": spec.register_as,
    }
    if spec.gang > 1:  # what each member does follows from how many there are
        parts["gang"] = spec.gang
    if spec.secrets:  # the key of a job without any is what it was before there were secrets
        found = editions(snapshot, job.project, [secret.name for secret in spec.secrets])
        given = [(secret.variable, secret.file) for secret in spec.secrets]
        parts["secrets"] = sorted(zip(map(str, given), map(str, found), strict=True))
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def reusing(snapshot: Snapshot, job: Job) -> Job:
    """The job as it has succeeded by an equal one's result; as it is when there is none."""
    for found in jobs.find(
        snapshot,
        [
            ("project", "=", job.project),
            ("reuse_key", "=", job.reuse_key),
            ("status", "=", JobStatus.SUCCEEDED.value),
            ("reused", "=", None),
        ],
        order=["-id"],
        limit=_CONSIDERED,
    ):
        if _is_whole(snapshot, found):
            return job.model_copy(
                update={
                    "status": JobStatus.SUCCEEDED,
                    "ended_at": snapshot.now,
                    "reused": found.id,
                    "reason": f"Has the result of {found.id}, whose code and inputs are the same",
                    "hint": None,
                    "summary": found.summary,
                }
            )
    return job


def _is_whole(snapshot: Snapshot, job: Job) -> bool:
    """Whether what it made beside artifacts, which live as long as it does, was not deleted."""
    spec = job.spec
    if job.kind == "transform" and not spec.dry_run:
        return version_made(snapshot, job) is not None
    if spec.register_as is not None:
        return version_of_job(snapshot, job.project, spec.register_as, job.id) is not None
    return True


def _content(given: AttemptInput) -> tuple[str, str, str]:
    """A version's id is a digest of its content, however that is packed."""
    if given.kind == "dataset":
        return given.name, given.kind, str(given.dataset_version)
    files = sorted((file.path, file.digest) for file in given.files)
    return given.name, given.kind, json.dumps(files)
