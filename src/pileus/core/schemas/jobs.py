"""Jobs, attempts and leases, and what travels between server and worker about them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from pileus.core.schemas.base import Answer, Name, Row, Schema
from pileus.core.schemas.code import checked_environment_file
from pileus.core.schemas.gangs import MOST_MEMBERS, VARIABLES, Seat
from pileus.core.schemas.resources import Capacity, Resources
from pileus.core.schemas.secrets import JobSecrets, apart
from pileus.core.schemas.transform import Transform


class JobStatus(StrEnum):
    """Where a job is in its life. `jobs/lifecycle.py` holds the arrows."""

    WAITING = "waiting"  #: waits for jobs that it needs
    QUEUED = "queued"  #: waits for a lease
    RUNNING = "running"  #: an attempt holds a lease
    SUCCEEDED = "succeeded"  #: ended, result stored
    FAILED = "failed"  #: ended, no attempt left
    CANCELLED = "cancelled"  #: ended because someone asked

    @property
    def is_final(self) -> bool:
        return self in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


class AttemptStatus(StrEnum):
    """Where one attempt is in its life."""

    GRANTED = "granted"  #: holds a lease; the node has not reported it yet
    RUNNING = "running"  #: the node reports its runner
    SUSPECT = "suspect"  #: the lease ran out unrenewed; the old process may still live
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"  #: cancelled or preempted

    @property
    def is_final(self) -> bool:
        return self in {AttemptStatus.SUCCEEDED, AttemptStatus.FAILED, AttemptStatus.STOPPED}


class StopReason(StrEnum):
    """Why the engine asks a node to stop an attempt."""

    CANCEL = "cancel"
    PREEMPT = "preempt"
    TIMEOUT = "timeout"
    PEER = "peer"  #: another member of its gang has ended without success


class Cause(Answer):
    """Why a job was cancelled without anybody asking for that job: for programs."""

    kind: Literal["need_failed", "need_cancelled", "output_missing"]
    need: str | None = None
    """The job that it needed."""


class JobInput(Schema):
    """What an attempt finds under `inputs/<name>/`: a dataset version, or what a job left."""

    name: Name = "data"
    dataset: str | None = None
    """`digits` for its newest version, `digits@dsv_…` or `dsv_…` for that one."""

    job: str | None = None
    """A job whose output it is, which makes that job a need."""

    artifact: str | None = None
    """A file or directory that `job` left; without it, the dataset version that it made, or else
    all that it left."""

    @model_validator(mode="after")
    def _check(self) -> JobInput:
        if (self.dataset is None) is (self.job is None):
            raise ValueError(f"input {self.name!r} needs either 'dataset' or 'job'")
        if self.artifact is not None and self.job is None:
            raise ValueError(f"input {self.name!r} has an 'artifact' of no 'job'")
        return self


class JobSpec(Schema):
    """What someone asks to run: a recipe or a transform on a dataset, or a command."""

    kind: Literal["train", "transform", "command"]
    name: Name | None = None

    recipe: str | None = None
    """For `train`: a recipe of the catalogue."""

    config: dict[str, Any] = Field(default_factory=dict)
    """For `train`: parameters of the recipe; the rest keep their defaults."""

    dataset: str | None = None
    """For `train` and `transform`: what to read, written as in `JobInput.dataset`."""

    dataset_from: str | None = None
    """In the place of `dataset`: a job, and so a need, whose dataset version is read."""

    register_as: Name | None = Field(default=None, alias="register")
    """For `train`: the model that a success becomes a version of."""

    transform: Transform | None = None
    """For `transform`: the steps, and what must hold of their result."""

    into: Name | None = None
    """For `transform`: the dataset that the result becomes a version of; its own when absent."""

    dry_run: bool = False
    """For `transform`: report what would be done and check, and make no version."""

    command: tuple[str, ...] | None = None
    """For `command`: program and arguments; no shell."""

    code: str | None = None
    """For `command`: the code snapshot, `code_…`, that it finds in its working directory."""

    environment_file: str | None = None
    """For `command` with `code`: its requirements.txt, pyproject.toml or uv.lock, as a path in the
    snapshot. A node builds the environment once, and the command finds its `python` first."""

    env: dict[str, str] = Field(default_factory=dict)
    secrets: JobSecrets = ()
    inputs: tuple[JobInput, ...] = ()
    resources: Resources = Resources()

    gang: int = Field(default=1, ge=1, le=MOST_MEMBERS)
    """For `command`: so many attempts start together or none does, each with `resources`. They find
    one another by the variables that torch reads: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT."""

    needs: tuple[str, ...] = Field(default=(), max_length=1000)
    """Jobs of the project that end before this one is queued."""

    needs_on: Literal["success", "any"] = "success"
    """Which ends of its needs let it run; any other cancels it."""

    reuse: bool = False
    """Succeed at once with the result of an equal job of the project, if one has succeeded."""

    sandbox: bool = False
    """Run without network, seeing the system, its inputs and its own directory alone; only on
    nodes that can, and never without."""

    timeout_seconds: float | None = Field(default=None, gt=0)
    """An attempt is stopped after this long; unlimited when absent."""

    grace_seconds: float = Field(default=20.0, ge=0, le=3600)
    """From the request to stop until the attempt is killed."""

    max_attempts: int = Field(default=3, ge=1, le=100)
    """Tries in all, counted when one fails for a reason that another try may cure."""

    priority: int = Field(default=0, ge=-1000, le=1000)
    """Higher goes first; of equals, those that are expected to end soonest, then in order of submission."""

    model_config = Schema.model_config | {"populate_by_name": True, "serialize_by_alias": True}

    @model_validator(mode="after")
    def _check(self) -> JobSpec:
        if self.dataset is not None and self.dataset_from is not None:
            raise ValueError("a job reads either 'dataset' or 'dataset_from'")
        for field in _NEEDED[self.kind]:
            if not getattr(self, field) and not (field == "dataset" and self.dataset_from):
                needed = " and ".join(repr(name) for name in _NEEDED[self.kind])
                raise ValueError(f"a {self.kind} job needs {needed}")
        for field, kinds in _KINDS_OF.items():
            if self.kind not in kinds and getattr(self, field) not in {None, False}:
                raise ValueError(f"a {self.kind} job takes no {field!r}; use kind {kinds[0]!r}")
        if self.gang > 1:
            self._check_gang()
        if self.environment_file is not None:
            if self.code is None:
                raise ValueError("'environment_file' is a file of 'code', which is missing")
            checked_environment_file(self.environment_file)
        apart(self.secrets, self.env)
        return self

    def _check_gang(self) -> None:
        if self.kind != "command":
            raise ValueError(f"a {self.kind} job takes no 'gang'; use kind 'command'")
        if self.sandbox:
            raise ValueError(
                "members of a gang talk to one another, and a sandbox has no network:"
                " leave out 'sandbox' or 'gang'"
            )
        secret = {secret.variable for secret in self.secrets if secret.variable}
        for name in sorted(VARIABLES & (self.env.keys() | secret)):
            raise ValueError(
                f"variable {name!r} is what tells a member of a gang its place; take another name"
            )

    @property
    def all_needs(self) -> tuple[str, ...]:
        """Jobs that end before this one is queued: those listed, and those whose output it reads."""
        read = [self.dataset_from, *(wanted.job for wanted in self.inputs)]
        return tuple(dict.fromkeys([*self.needs, *(job for job in read if job is not None)]))


_NEEDED = {
    "train": ("recipe", "dataset"),
    "transform": ("dataset", "transform"),
    "command": ("command",),
}
_KINDS_OF = {
    "recipe": ("train",),
    "register_as": ("train",),
    "dataset": ("train", "transform"),
    "dataset_from": ("train", "transform"),
    "transform": ("transform",),
    "into": ("transform",),
    "dry_run": ("transform",),
    "command": ("command",),
    "code": ("command",),
    "environment_file": ("command",),
}
"""Field of a spec → the kinds of job that take it."""


class Job(Row):
    """Anything that runs as processes."""

    kind: str
    name: str | None
    status: JobStatus
    spec: JobSpec
    inputs: tuple[AttemptInput, ...]
    params: dict[str, Any]
    dataset_version: str | None
    """The version that a `train` job reads, resolved when it was submitted."""

    code_digest: str
    """SHA-256 of the code that runs: the recipe's sources, the manifest of the code snapshot, or
    without either the command's words."""

    priority: int
    submitted_by: str
    request_id: str | None = None
    """Of the request that submitted it; logs of all processes carry it."""

    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempts: int = 0
    failures: int = 0
    """Attempts that failed for a reason which another try may cure."""

    stop_requested: StopReason | None = None
    reason: str | None = None
    """Why it waits or how it ended, for a person; with `hint`, the next step."""

    hint: str | None = None
    cause: Cause | None = None
    not_before: datetime | None = None
    """A retry waits until then."""

    reuse_key: str | None = None
    """Digest of what its result follows from: code, parameters, inputs, environment."""

    pipeline: str | None = None
    step: str | None = None
    """Its name within its pipeline."""

    reused: str | None = None
    """The job whose result it has: no attempt of its own ran, and it cost nothing."""

    summary: dict[str, Any] = Field(default_factory=dict)
    """What the attempt reported at its end."""


class Attempt(Row):
    """One try of a job, on one lease; of a gang, what one member has of a try."""

    job: str
    number: int
    rank: int = 0
    """Which member of a gang, from 0."""

    node: str
    status: AttemptStatus
    reported_ms: int | None = None
    """`sent_ms` of the first report that told of it as running."""

    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    exit: dict[str, Any] | None = None
    result: dict[str, Any] | None = None


class Lease(Row):
    """The right of an attempt to hold resources of a node until `expires_at`."""

    attempt: str
    job: str
    node: str
    token: str
    resources: Resources
    devices: tuple[str, ...] = ()
    """Device ids held, whole or in part."""

    expires_at: datetime
    metered_until: datetime
    price_ids: dict[str, str] = Field(default_factory=dict)
    """Resource → price, frozen at grant."""

    priority: int | None = None
    """Of the job; with the next three what a decision needs of one that runs, frozen at grant."""

    code_digest: str | None = None
    timeout_ms: int | None = None
    micro_per_hour: int | None = None
    """Price of what is held, in micro-units."""

    released_at: datetime | None = None


class Node(Row):
    """A machine that runs attempts. `project` is the installation's own."""

    name: str
    boot_id: str
    capacity: Capacity
    seen_at: datetime
    address: str | None = None
    """Where members of a gang on other nodes reach it."""


class Pool(Row):
    """The nodes that one decision is made over; `rev` is its epoch."""

    is_draining: bool = False
    """Nothing new is granted while the installation goes down."""

    promises: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Waiting job → nodes on which room is being made for it."""

    @field_validator("promises", mode="before")
    @classmethod
    def _several(cls, promises: dict[str, Any]) -> dict[str, Any]:
        """Rows from before there were gangs name one node."""
        return {job: (on,) if isinstance(on, str) else on for job, on in promises.items()}


class InputFile(Answer):
    """One file of an input: where it goes and the blob that holds it."""

    path: str
    digest: str
    size: int


class AttemptInput(Answer):
    """Files that the worker places under `inputs/<name>/`, read-only."""

    name: str
    kind: Literal["dataset", "files", "code"]
    """`code` is unpacked into the working directory instead."""

    dataset_version: str | None = None
    job: str | None = None
    """The job that left these files."""

    files: tuple[InputFile, ...]


class AttemptSpec(Answer):
    """`spec.json`: all that a node needs to run an attempt."""

    schema_: int = Field(default=1, alias="schema")
    attempt: str
    job: str
    project: str
    number: int
    command: tuple[str, ...] | None
    recipe_entry: str | None
    environment: str
    environment_file: str | None = None
    env: dict[str, str]
    secrets: JobSecrets = ()
    """By name: the values are fetched with the attempt's token."""

    inputs: tuple[AttemptInput, ...]
    params: dict[str, Any]
    resources: Resources
    seat: Seat | None = None
    """Of a member of a gang."""

    sandbox: bool = False
    timeout_seconds: float | None
    grace_seconds: float
    request_id: str | None = None
    """Of the request that submitted the job."""

    model_config = Answer.model_config | {"populate_by_name": True, "serialize_by_alias": True}


class Registration(Answer):
    """A worker presents its node."""

    name: str
    boot_id: str
    capacity: Capacity
    pid: int
    version: str
    address: str | None = None
    """As in `Node`."""

    holding: tuple[str, ...] = ()
    """Attempts found on disk."""

    sent_ms: int | None = None
    """As in `NodeReport`."""


class Artifact(Answer):
    """A file that an attempt left in `out/`."""

    path: str
    digest: str
    size: int


class AttemptReport(Answer):
    """What a node says of one attempt."""

    id: str
    lease_token: str
    state: Literal["running", "ended"]
    started_at: datetime | None = None
    exit: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    artifacts: tuple[Artifact, ...] | None = None


class NodeReport(Answer):
    """What a worker sends on each sync."""

    boot_id: str
    seen: int = 0
    clock: datetime | None = None
    """What the node's clock showed when it sent this."""

    version: str | None = None
    """Of the worker."""

    sent_ms: int | None = None
    """What the node's monotonic clock showed when it sent this: the order of what it says between
    two boots, whatever the order in which it arrives."""

    attempts: tuple[AttemptReport, ...] = ()


class DesiredAttempt(Answer):
    """What the engine wants of one attempt on a node."""

    id: str
    job: str
    project: str
    lease_token: str
    expires_in_seconds: float
    desired: Literal["run", "stop"]
    stop_reason: StopReason | None = None
    token: str
    """The attempt's own bearer token, scoped to its job."""

    devices: tuple[str, ...] = ()
    """The accelerators that its lease holds, whole or in part."""

    spec: AttemptSpec


class NodeOrders(Answer):
    """The answer to a sync: everything this node should hold, and what it may forget."""

    version: int
    draining: bool
    attempts: tuple[DesiredAttempt, ...]
    forget: tuple[str, ...]


Job.model_rebuild()
