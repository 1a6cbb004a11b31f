"""The verbs on pipelines, each one transaction: submit, check, show, cancel, retry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from pileus.core.errors import PileusError
from pileus.core.ids import NewId
from pileus.core.schemas.jobs import Job, JobSpec, JobStatus
from pileus.core.schemas.pipelines import Pipeline, PipelineSpec, PipelineView, Step, in_order
from pileus.core.schemas.tenancy import Caller
from pileus.jobs.errors import PipelineEnded, PipelineNotFound, PipelineNotOver, PipelineRefused
from pileus.jobs.inputs import renamed
from pileus.jobs.needs import admit, stop
from pileus.jobs.references import LIVE_JOBS
from pileus.jobs.service import JobService
from pileus.jobs.store import jobs, pipelines
from pileus.security.audit import AuditLog
from pileus.storage.database import Database
from pileus.storage.idempotency import Once
from pileus.storage.transaction import Snapshot, Transaction, Where

Drafts = Mapping[str, Callable[[Snapshot], Job]]
"""Name of a job → what makes its row."""

_BY_URGENCY = (
    JobStatus.RUNNING,
    JobStatus.QUEUED,
    JobStatus.WAITING,
    JobStatus.FAILED,
    JobStatus.CANCELLED,
    JobStatus.SUCCEEDED,
)
"""The first of these that any job is in is the pipeline's status."""


class PipelineService:
    """Pipelines of projects."""

    def __init__(
        self, database: Database, new_id: NewId, audit: AuditLog, service: JobService
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._audit = audit
        self._jobs = service

    async def submit(self, caller: Caller, spec: PipelineSpec, once: Once | None) -> PipelineView:
        """Submit all jobs or none. Raises PipelineRefused, which names the job."""
        submit = self.submission(caller, spec)

        def work(transaction: Transaction) -> PipelineView:
            made = once.made(transaction, caller.project) if once else None
            if made is None:
                made = submit(transaction).id
                if once:
                    once.remember(transaction, caller.project, made)
            return pipeline_of(transaction, caller.project, made)

        return await self._database.write(work)

    def submission(
        self,
        caller: Caller,
        spec: PipelineSpec,
        *,
        schedule: str | None = None,
        scheduled_at: datetime | None = None,
    ) -> Callable[[Transaction], Pipeline]:
        """What submits all jobs in a transaction, once all is checked that needs none.

        Both raise PipelineRefused.
        """
        drafts = self._drafts(caller, spec.jobs)

        def submit(transaction: Transaction) -> Pipeline:
            pipeline = pipelines.insert(
                transaction,
                Pipeline(
                    id=self._new_id("pip"),
                    project=caller.project,
                    created_at=transaction.now,
                    name=spec.name,
                    spec=spec,
                    submitted_by=caller.principal,
                    schedule=schedule,
                    scheduled_at=scheduled_at,
                ),
            )
            _admit_all(transaction, pipeline, drafts, {})
            self._audit.append(transaction, caller, "submit", "pipeline", pipeline.id)
            return pipeline

        return submit

    async def check(self, caller: Caller, spec: PipelineSpec) -> list[str]:
        """Names of the jobs, each after those that it needs; nothing is kept.

        Raises what submitting it would, so far as that does not depend on what jobs leave.
        """
        drafts = self._drafts(caller, spec.jobs)

        def work(snapshot: Snapshot) -> list[str]:
            order = in_order(spec.jobs)
            for name in order:
                _drafted(snapshot, name, drafts)
            return order

        return await self._database.read(work)

    async def pipelines(
        self, project: str, where: Where = (), *, limit: int | None = None
    ) -> list[PipelineView]:
        """Pipelines of a project, newest first."""
        return await self._database.read(
            lambda snapshot: views(
                snapshot,
                pipelines.find(
                    snapshot, [("project", "=", project), *where], order=["-id"], limit=limit
                ),
            )
        )

    async def pipeline(self, project: str, pipeline_id: str) -> PipelineView:
        """A pipeline of a project. Raises PipelineNotFound."""
        return await self._database.read(
            lambda snapshot: pipeline_of(snapshot, project, pipeline_id)
        )

    async def cancel(self, caller: Caller, pipeline_id: str) -> PipelineView:
        """Stop every job of it that has not ended. Raises PipelineNotFound, PipelineEnded."""

        def work(transaction: Transaction) -> PipelineView:
            found = pipeline_of(transaction, caller.project, pipeline_id)
            if found.status is JobStatus.CANCELLED:
                return found
            live = [one for one in _jobs_of(transaction, [found]) if not one.status.is_final]
            if not live:
                raise PipelineEnded(
                    f"Pipeline {pipeline_id!r} has {found.status} already",
                    hint=f"See how its jobs ended: `pileus pipeline show {pipeline_id}`.",
                )
            for one in live:
                job = jobs.get(transaction, id=one.id)
                # An earlier stop has cancelled what waited for it.
                if job is not None and not job.status.is_final:
                    stop(transaction, job)
            self._audit.append(transaction, caller, "cancel", "pipeline", found.id)
            return pipeline_of(transaction, caller.project, pipeline_id)

        return await self._database.write(work)

    async def retry(self, caller: Caller, pipeline_id: str, once: Once | None) -> PipelineView:
        """Run anew what failed, was cancelled or deleted; what succeeded is kept.

        Raises PipelineNotFound, PipelineNotOver, PipelineEnded, PipelineRefused.
        """
        before = await self.pipeline(caller.project, pipeline_id)
        again = {
            name: spec.model_copy(update={"reuse": True}) for name, spec in before.spec.jobs.items()
        }
        drafts = self._drafts(caller, again)

        def work(transaction: Transaction) -> PipelineView:
            if once and once.made(transaction, caller.project) is not None:
                return pipeline_of(transaction, caller.project, pipeline_id)
            found = pipeline_of(transaction, caller.project, pipeline_id)
            if any(step.status is not None and not step.status.is_final for step in found.steps):
                raise PipelineNotOver(
                    f"Pipeline {pipeline_id!r} is {found.status}",
                    hint=f"Wait for its end, or stop it: `pileus pipeline cancel {pipeline_id}`.",
                )
            kept = {
                step.name: step.job
                for step in found.steps
                if step.job is not None and step.status is JobStatus.SUCCEEDED
            }
            if len(kept) == len(found.steps):
                raise PipelineEnded(
                    f"All jobs of pipeline {pipeline_id!r} have succeeded",
                    hint="Run its file again to run all of it.",
                )
            _admit_all(transaction, found, drafts, kept)
            if once:
                once.remember(transaction, caller.project, found.id)
            self._audit.append(transaction, caller, "retry", "pipeline", found.id)
            return pipeline_of(transaction, caller.project, pipeline_id)

        return await self._database.write(work)

    def _drafts(self, caller: Caller, specs: Mapping[str, JobSpec]) -> Drafts:
        made: dict[str, Callable[[Snapshot], Job]] = {}
        for name, spec in specs.items():
            try:
                made[name] = self._jobs.draft(caller, spec)
            except PileusError as error:
                raise _refused(name, error) from error
        return made


def pipeline_of(snapshot: Snapshot, project: str, pipeline_id: str) -> PipelineView:
    """A pipeline of a project. Raises PipelineNotFound."""
    found = pipelines.get(snapshot, id=pipeline_id)
    if found is None or found.project != project:
        raise PipelineNotFound(
            f"Pipeline {pipeline_id!r} not found", hint="List them with `pileus pipeline list`."
        )
    return views(snapshot, [found])[0]


def is_live(snapshot: Snapshot, pipeline_id: str) -> bool:
    """Whether any job of a pipeline has not ended."""
    where: Where = [("pipeline", "=", pipeline_id), ("status", "in", LIVE_JOBS)]
    return bool(jobs.find(snapshot, where, limit=1))


def _admit_all(
    transaction: Transaction, pipeline: Pipeline, drafts: Drafts, kept: Mapping[str, str]
) -> None:
    """Insert the jobs that are not `kept`, each after those that it needs."""
    ids = dict(kept)
    for name in in_order(pipeline.spec.jobs):
        if name in kept:
            continue
        job = _drafted(transaction, name, drafts)
        update = {
            "spec": renamed(job.spec, ids),
            "name": job.name or name,
            "pipeline": pipeline.id,
            "step": name,
        }
        try:
            ids[name] = admit(transaction, job.model_copy(update=update)).id
        except PileusError as error:
            raise _refused(name, error) from error


def _drafted(snapshot: Snapshot, name: str, drafts: Drafts) -> Job:
    try:
        return drafts[name](snapshot)
    except PileusError as error:
        raise _refused(name, error) from error


def _refused(name: str, error: PileusError) -> PipelineRefused:
    return PipelineRefused(f"Job {name!r}: {error.message}", hint=error.hint)


def _jobs_of(snapshot: Snapshot, found: Sequence[Pipeline]) -> list[Job]:
    ids = [pipeline.id for pipeline in found]
    return jobs.find(snapshot, [("pipeline", "in", ids)], order=["id"])


def views(snapshot: Snapshot, found: Sequence[Pipeline]) -> list[PipelineView]:
    """Pipelines with their jobs as they are now."""
    tries: dict[tuple[str | None, str | None], list[Job]] = defaultdict(list)
    for job in _jobs_of(snapshot, found):
        tries[job.pipeline, job.step].append(job)
    return [
        _viewed(
            one,
            tuple(
                _step(name, one.spec.jobs[name], tries[one.id, name])
                for name in in_order(one.spec.jobs)
            ),
        )
        for one in found
    ]


def _viewed(pipeline: Pipeline, steps: tuple[Step, ...]) -> PipelineView:
    states = {step.status for step in steps}
    status = next((state for state in _BY_URGENCY if state in states), None)
    return PipelineView(**dict(pipeline), status=status, steps=steps)


def _step(name: str, spec: JobSpec, tries: Sequence[Job]) -> Step:
    if not tries:
        return Step(name=name, needs=spec.all_needs, job=None, status=None, tries=0)
    newest = tries[-1]
    return Step(
        name=name,
        needs=spec.all_needs,
        job=newest.id,
        status=newest.status,
        reason=newest.reason,
        reused=newest.reused,
        tries=len(tries),
    )
