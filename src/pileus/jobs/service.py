"""The verbs on jobs, each one transaction: submit, estimate, cancel, list, why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pileus.core.ids import NewId
from pileus.core.schemas.jobs import (
    Artifact,
    Attempt,
    Job,
    JobSpec,
    JobStatus,
    Node,
    StopReason,
)
from pileus.core.schemas.queue import Estimate, Queue, Queued
from pileus.core.schemas.registry import DatasetVersion
from pileus.core.schemas.tenancy import Caller
from pileus.jobs import scheduler
from pileus.jobs.code import code_input
from pileus.jobs.errors import AttemptNotFound, JobEnded, JobRefused
from pileus.jobs.forecast import forecast
from pileus.jobs.inputs import DATA, check_names, dataset_input, into
from pileus.jobs.needs import admit, called, stop, unmet
from pileus.jobs.plan import Plan
from pileus.jobs.pool import First, LoadedPool, PoolMirror
from pileus.jobs.reasons import Waiting
from pileus.jobs.recipes import PreparedRecipe, RecipeCatalogue
from pileus.jobs.results import artifacts_left
from pileus.jobs.settings import JobsSettings
from pileus.jobs.store import attempts, attempts_of, is_answering, job_of, jobs, nodes, pool, pools
from pileus.jobs.told import clean_text
from pileus.jobs.transforms import PreparedTransform, Transforms
from pileus.metering.leases import price_of
from pileus.registry.code import code_of
from pileus.registry.store import check_dataset_name, resolve_dataset
from pileus.security.audit import AuditLog
from pileus.security.secrets import secret_of
from pileus.storage.database import Database
from pileus.storage.idempotency import Once
from pileus.storage.transaction import Snapshot, Transaction, Where

MOST_FORETOLD = 64
"""Waiting jobs, from the first, of which it is told when they are expected to start."""


class JobService:
    """Jobs of projects."""

    def __init__(
        self,
        database: Database,
        new_id: NewId,
        audit: AuditLog,
        recipes: RecipeCatalogue,
        transforms: Transforms,
        settings: JobsSettings,
        currency: str,
        mirror: PoolMirror,
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._audit = audit
        self._recipes = recipes
        self._transforms = transforms
        self._settings = settings
        self._currency = currency
        self._mirror = mirror
        self._carry = mirror.carry

    async def submit(self, caller: Caller, spec: JobSpec, once: Once | None) -> Job:
        """Queue a job, or let it wait for its needs.

        Raises JobRefused, DatasetNotFound, SecretNotFound, JobNotFound, NeedEnded, OutputMissing,
        or what the recipe finds wrong.
        """
        draft = self.draft(caller, spec)

        def work(transaction: Transaction) -> Job:
            made = once.made(transaction, caller.project) if once else None
            if made is not None:
                return job_of(transaction, caller.project, made)
            job = admit(transaction, draft(transaction))
            if once:
                once.remember(transaction, caller.project, job.id)
            self._audit.append(transaction, caller, "submit", "job", job.id, kind=job.kind)
            return job

        # With what it needs it may be about any number of rows.
        is_alone = not (spec.all_needs or spec.inputs)
        return await (self._database.jot if is_alone else self._database.write)(work)

    async def estimate(self, caller: Caller, spec: JobSpec) -> Estimate:
        """What the job would meet and cost now. Raises what submitting it would."""
        draft = self.draft(caller, spec)

        def work(snapshot: Snapshot) -> tuple[Job, LoadedPool, int, int | None]:
            most = None
            if spec.timeout_seconds is not None:
                held = timedelta(seconds=spec.timeout_seconds + spec.grace_seconds)
                most = price_of(snapshot, spec.resources, held * spec.max_attempts) * spec.gang
            hour = price_of(snapshot, spec.resources, timedelta(hours=1)) * spec.gang
            return draft(snapshot), self._line(snapshot), hour, most

        job, pool, hour, most = await self._database.read(work)
        is_foretold = len(pool.firsts[0]) < MOST_FORETOLD
        plan = self._decide(_with(pool, [job]), [job.id] if is_foretold else ())
        waiting = plan.waiting.get(job.id)
        return Estimate(
            node=plan.nodes.get(job.id),
            reason=None if waiting is None else waiting.reason,
            hint=None if waiting is None else waiting.hint,
            eta=None if waiting is None else waiting.eta,
            after=None if waiting is None else waiting.after,
            micro_per_hour=hour,
            most_micro=most,
            currency=self._currency,
        )

    def draft(self, caller: Caller, spec: JobSpec) -> Callable[[Snapshot], Job]:
        """What makes the job's row of a snapshot, once all is checked that needs none."""
        _check_texts(spec)
        recipe = self._recipes.prepare(spec.recipe, spec.config) if spec.recipe else None
        params, code_digest = _prepared(spec, recipe or self._transform(spec))
        check_names(spec)

        def draft(snapshot: Snapshot) -> Job:
            wanted = [(i.name, i.dataset) for i in spec.inputs if i.dataset is not None]
            if spec.dataset is not None:
                wanted.insert(0, (DATA, spec.dataset))
            versions = [
                (name, resolve_dataset(snapshot, caller.project, reference))
                for name, reference in wanted
            ]
            if recipe is not None and spec.dataset is not None:
                _check_suits(spec.recipe, recipe, versions[0][1])
            code = None if spec.code is None else code_of(snapshot, caller.project, spec.code)
            for secret in spec.secrets:
                secret_of(snapshot, caller.project, secret.name)
            return Job(
                id=self._new_id("job"),
                project=caller.project,
                created_at=snapshot.now,
                kind=spec.kind,
                name=spec.name,
                status=JobStatus.QUEUED,
                spec=into(spec, versions[0][1]) if spec.dataset is not None else spec,
                inputs=(
                    *(dataset_input(name, version) for name, version in versions),
                    *(() if code is None else (code_input(code),)),
                ),
                params=dict(params),
                dataset_version=versions[0][1].id if versions else None,
                code_digest=code_digest if code is None else code.manifest,
                priority=spec.priority,
                submitted_by=caller.principal,
                request_id=caller.request_id,
            )

        return draft

    def _transform(self, spec: JobSpec) -> PreparedTransform | None:
        if spec.transform is None:
            return None
        if spec.into is not None:
            check_dataset_name(spec.into)
        return self._transforms.prepare(spec.transform, dry_run=spec.dry_run)

    async def cancel(self, caller: Caller, job_id: str) -> Job:
        """Stop a job: at once when it waits, by way of its node when it runs.

        Raises JobNotFound, JobEnded. Cancelling twice is cancelling once.
        """

        def work(transaction: Transaction) -> Job:
            job = job_of(transaction, caller.project, job_id)
            if job.status is JobStatus.CANCELLED or job.stop_requested is StopReason.CANCEL:
                return job
            if job.status.is_final:
                raise JobEnded(f"Job {job_id!r} has {job.status} already")
            changed = stop(transaction, job)
            self._audit.append(transaction, caller, "cancel", "job", job.id)
            return changed

        return await self._database.write(work)

    async def drain(self, caller: Caller) -> int:
        """Grant nothing more and ask running jobs to save a checkpoint and requeue.

        How many still run. Asking again changes nothing.
        """

        def work(transaction: Transaction) -> int:
            found = pool(transaction)
            if not found.is_draining:
                # The epoch that this takes voids any plan that is being made.
                pools.swap(transaction, found.model_copy(update={"is_draining": True}))
                self._audit.append(transaction, caller, "drain", "pool", found.id)
            running = jobs.find(transaction, [("status", "=", JobStatus.RUNNING.value)])
            for job in running:
                if job.stop_requested is None:
                    update = {"stop_requested": StopReason.PREEMPT}
                    jobs.swap(transaction, job.model_copy(update=update))
            return len(running)

        return await self._database.write(work)

    async def undrain(self) -> None:
        """Grant again: the installation has come up."""

        def work(transaction: Transaction) -> None:
            found = pool(transaction)
            if found.is_draining:
                pools.swap(transaction, found.model_copy(update={"is_draining": False}))

        await self._database.write(work)

    async def job(self, project: str, job_id: str) -> Job:
        """A job of a project. Raises JobNotFound."""
        return await self._database.glance(lambda snapshot: job_of(snapshot, project, job_id))

    async def jobs(self, project: str, where: Where = (), *, limit: int | None = None) -> list[Job]:
        """Jobs of a project, newest first."""
        return await self._database.read(
            lambda snapshot: jobs.find(
                snapshot, [("project", "=", project), *where], order=["-id"], limit=limit
            )
        )

    async def attempts(self, project: str, job_id: str) -> list[Attempt]:
        """Attempts of a job, first to last. Raises JobNotFound."""

        def work(snapshot: Snapshot) -> list[Attempt]:
            job_of(snapshot, project, job_id)
            return attempts_of(snapshot, job_id)

        return await self._database.read(work)

    async def attempt(
        self, project: str, job_id: str, attempt_id: str | None, rank: int = 0
    ) -> tuple[Job, Attempt | None]:
        """A job, and one attempt of it; that of the newest try, if there is one, when no id is given.

        Raises JobNotFound, AttemptNotFound.
        """

        def work(snapshot: Snapshot) -> tuple[Job, Attempt | None]:
            job = job_of(snapshot, project, job_id)
            if attempt_id is None:
                return job, attempts.get(snapshot, job=job_id, number=job.attempts, rank=rank)
            found = attempts.get(snapshot, id=attempt_id)
            return job, found if found is not None and found.job == job_id else None

        job, found = await self._database.glance(work)
        size = job.spec.gang
        if attempt_id is None and rank < size:
            return job, found
        if attempt_id is None:
            raise AttemptNotFound(
                f"Job {job_id!r} has no rank {rank}",
                hint=f"Its ranks are 0 to {size - 1}." if size > 1 else "Leave the rank out.",
            )
        if found is not None:
            return job, found
        raise AttemptNotFound(
            f"Attempt {attempt_id!r} not found", hint=f"`pileus job show {job_id}` lists them."
        )

    async def artifacts(self, project: str, job_id: str) -> tuple[str, list[Artifact]]:
        """The newest try that left artifacts, by its first attempt, and what it left.

        Raises JobNotFound.
        """

        def work(snapshot: Snapshot) -> tuple[str, list[Artifact]]:
            return artifacts_left(snapshot, job_of(snapshot, project, job_id))

        return await self._database.read(work)

    async def waiting(self, job: Job) -> Waiting | None:
        """Why a job does not run, decided afresh; None when it runs or is about to."""
        if job.status is JobStatus.WAITING:
            return _waiting(await self._database.read(lambda snapshot: unmet(snapshot, job)))
        if job.status is not JobStatus.QUEUED:
            return None
        pool = await self._database.read(self._line)
        (first,) = pool.firsts
        is_foretold = any(one.id == job.id for one in first)
        plan = self._decide(_with(pool, [job]), [job.id] if is_foretold else ())
        return plan.waiting.get(job.id)

    async def queue(self, project: str, *, most: int) -> Queue:
        """Jobs of the project that wait, in the order in which they are considered, and why."""
        asked = (First(MOST_FORETOLD), First(most + 1, project))
        pool = await self._database.read(lambda snapshot: self._mirror.load(snapshot, *asked))
        first, own = pool.firsts
        shown = {job.id for job in own[:most]}
        plan = self._decide(pool, [job.id for job in first if job.id in shown])
        places = enumerate(scheduler.in_order(pool, self._carry, pool.policy), 1)
        items = tuple(_queued(place, job, plan) for place, job in places if job.id in shown)
        return Queue(items=items, has_more=len(own) > most)

    def _line(self, snapshot: Snapshot) -> LoadedPool:
        """The pool, with the first of all that wait in its queue."""
        return self._mirror.load(snapshot, First(MOST_FORETOLD))

    def _decide(self, pool: LoadedPool, foretold: Collection[str]) -> Plan:
        """A decision now, and when the jobs start that are `foretold`."""
        plan = scheduler.decide(pool, self._carry, pool.policy)
        waiting = plan.waiting
        asked = {job for job in foretold if job in waiting and waiting[job].eta is None}
        times = forecast(pool, plan, self._carry.history, pool.policy, asked)
        return replace(
            plan, waiting=waiting | {job: replace(waiting[job], eta=times[job]) for job in times}
        )

    async def nodes(self) -> list[tuple[Node, bool]]:
        """Nodes of the installation, by name, and whether each answers."""
        lease_seconds = self._settings.lease_seconds
        return await self._database.read(
            lambda snapshot: [
                (node, is_answering(node, snapshot.now, lease_seconds))
                for node in nodes.find(snapshot, order=["name"])
            ]
        )


def _prepared(
    spec: JobSpec, ours: PreparedRecipe | PreparedTransform | None
) -> tuple[Mapping[str, Any], str]:
    """What the attempt is started with, and the digest of the code that runs."""
    if ours is not None:
        return {
            "entry": ours.entry,
            "environment": ours.environment,
            "values": dict(ours.params),
        }, ours.code_digest
    words = json.dumps([spec.command, spec.env], sort_keys=True, ensure_ascii=False)
    return {
        "entry": None,
        "environment": "plain",
        "values": {},
    }, hashlib.sha256(words.encode()).hexdigest()


def _with(pool: LoadedPool, wanted: Iterable[Job]) -> LoadedPool:
    """The snapshot with these jobs in its queue, which holds no more than may matter."""
    known = {job.id for job in pool.queue}
    return replace(pool, queue=(*pool.queue, *(job for job in wanted if job.id not in known)))


def _queued(position: int, job: Job, plan: Plan) -> Queued:
    waiting = plan.waiting.get(job.id)
    return Queued(
        position=position,
        job=job.id,
        name=job.name,
        kind=job.kind,
        priority=job.priority,
        created_at=job.created_at,
        resources=job.spec.resources,
        node=plan.nodes.get(job.id),
        reason=None if waiting is None else waiting.reason,
        hint=None if waiting is None else waiting.hint,
        eta=None if waiting is None else waiting.eta,
        after=None if waiting is None else waiting.after,
    )


def _waiting(needs: list[Job]) -> Waiting | None:
    """What a job waits for whose needs have not ended."""
    if not needs:
        return None
    first = needs[0]
    others = f" and {len(needs) - 1} more" if len(needs) > 1 else ""
    return Waiting(
        f"Waits for job {called(first)}, which is {first.status}{others}",
        f"`pileus why {first.id}` says what that one does.",
    )


def _check_suits(name: str | None, recipe: PreparedRecipe, version: DatasetVersion) -> None:
    """Refuse at once what would fail after minutes of waiting."""
    for what, found, taken in (
        ("kind", version.kind, recipe.kinds),
        ("task", version.task, recipe.tasks),
    ):
        if found not in taken:
            raise JobRefused(
                f"Recipe {name!r} is for {what} {' and '.join(sorted(taken))}; dataset"
                f" {version.dataset!r} has {what} {found}",
                hint=f"Train with `--recipe {recipe.otherwise}`.",
            )


def _check_texts(spec: JobSpec) -> None:
    """Raises JobRefused for a word that no process can be started with."""
    for text in (*(spec.command or ()), *spec.env, *spec.env.values()):
        if text != clean_text(text):
            raise JobRefused(
                f"{text[:100]!r} holds a character that no program can be given",
                hint="Leave out NUL characters and lone surrogates.",
            )
