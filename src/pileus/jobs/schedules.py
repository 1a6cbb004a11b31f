"""Schedules: the verbs on them, each one transaction, and the loop that runs what is due.

The time that a schedule runs for and the pipeline that it becomes commit together, so that of
several servers, and of tries before and after a kill, one submits it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from pileus.core.clock import Clock
from pileus.core.errors import PileusError, Unavailable
from pileus.core.ids import NewId
from pileus.core.logs.context import about
from pileus.core.request_ids import PREFIX
from pileus.core.schemas.pipelines import Pipeline, PipelineView
from pileus.core.schemas.schedules import (
    NewSchedule,
    Preview,
    Schedule,
    ScheduleChange,
    ScheduleShown,
    ScheduleTerms,
    Trouble,
    for_time,
)
from pileus.core.schemas.tenancy import Caller, Role
from pileus.jobs.errors import ScheduleExists, ScheduleNotFound, ScheduleRefused
from pileus.jobs.pipelines import PipelineService, is_live, pipeline_of, views
from pileus.jobs.store import pipelines, schedules
from pileus.jobs.timetable import Timetable, due
from pileus.security.audit import AuditLog
from pileus.security.service import caller_of
from pileus.security.store import principal_name
from pileus.storage.database import Database
from pileus.storage.idempotency import Once
from pileus.storage.transaction import Snapshot, Transaction, Where

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often schedules are looked for that another server made or changed."""

HELD_SECONDS = 1.0
"""How often one looks whether the pipeline of the time before has ended."""

_TIMES = 5
_PIPELINES = 10


class ScheduleService:
    """Schedules of projects."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        new_id: NewId,
        audit: AuditLog,
        service: PipelineService,
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._audit = audit
        self._pipelines = service

    async def create(self, caller: Caller, terms: NewSchedule, once: Once | None) -> Schedule:
        """Run a pipeline at its times from now on.

        Raises ScheduleRefused, ScheduleExists, PipelineRefused.
        """
        timetable = await self._checked(caller, terms)

        def work(transaction: Transaction) -> Schedule:
            made = once.made(transaction, caller.project) if once else None
            if made is not None:
                return schedule_named(transaction, caller.project, terms.name)
            if schedules.get(transaction, project=caller.project, name=terms.name) is not None:
                raise ScheduleExists(
                    f"There is a schedule {terms.name!r} already",
                    hint=f"Change it with `pileus schedule update {terms.name}`.",
                )
            schedule = schedules.insert(
                transaction,
                Schedule(
                    id=self._new_id("sch"),
                    project=caller.project,
                    created_at=transaction.now,
                    owner=caller.principal,
                    due_at=timetable.next(transaction.now),
                    **dict(terms),
                ),
            )
            if once:
                once.remember(transaction, caller.project, schedule.id)
            self._audit.append(
                transaction, caller, "create", "schedule", schedule.id, name=terms.name
            )
            return schedule

        return await self._database.write(work)

    async def check(self, caller: Caller, terms: ScheduleTerms) -> Preview:
        """What it would do; nothing is kept. Raises what creating it would."""
        timetable = Timetable(terms.cron, terms.time_zone)
        now = self._clock.now()
        jobs = await self._pipelines.check(caller, for_time(terms.pipeline, timetable.local(now)))
        return Preview(times=timetable.after(now, _TIMES), jobs=jobs)

    async def schedules(
        self, project: str, where: Where = (), *, limit: int | None = None
    ) -> list[Schedule]:
        """Schedules of a project, by id."""
        return await self._database.read(
            lambda snapshot: schedules.find(
                snapshot, [("project", "=", project), *where], order=["id"], limit=limit
            )
        )

    async def schedule(self, project: str, name: str) -> ScheduleShown:
        """A schedule with its next times and its newest pipelines. Raises ScheduleNotFound."""

        def work(snapshot: Snapshot) -> ScheduleShown:
            found = schedule_named(snapshot, project, name)
            newest = pipelines.find(
                snapshot, [("schedule", "=", found.id)], order=["-id"], limit=_PIPELINES
            )
            times = Timetable(found.cron, found.time_zone).after(snapshot.now, _TIMES)
            return ScheduleShown(
                schedule=found,
                times=[] if found.is_paused else times,
                pipelines=views(snapshot, newest),
            )

        return await self._database.read(work)

    async def change(self, caller: Caller, name: str, change: ScheduleChange) -> Schedule:
        """Change what `change` names; the schedule runs with the caller's rights from now on.

        Raises ScheduleNotFound, ScheduleRefused, PipelineRefused.
        """
        given = {field: value for field, value in dict(change).items() if value is not None}
        pauses = given.pop("is_paused", None)
        moves = bool({"cron", "time_zone"} & given.keys())

        def changed(snapshot: Snapshot) -> Schedule:
            return schedule_named(snapshot, caller.project, name).model_copy(update=given)

        wanted = await self._database.read(changed)
        if given or not pauses:  # what cannot run any more can still be paused
            await self._checked(caller, wanted)

        def work(transaction: Transaction) -> Schedule:
            found = changed(transaction)
            update: dict[str, object] = {"owner": caller.principal, "trouble": None}
            if found.is_paused if pauses is None else pauses:
                update["due_at"] = None
            elif found.is_paused or moves:
                timetable = Timetable(found.cron, found.time_zone)
                update["due_at"] = timetable.next(transaction.now)
            kept = schedules.swap(transaction, found.model_copy(update=update))
            detail = change.model_dump(mode="json", exclude_none=True, exclude={"pipeline"})
            self._audit.append(transaction, caller, "change", "schedule", kept.id, **detail)
            return kept

        return await self._database.write(work)

    async def run_now(self, caller: Caller, name: str, once: Once | None) -> PipelineView:
        """Submit its pipeline at once, beside its times. Raises ScheduleNotFound, PipelineRefused."""
        before = await self._database.read(
            lambda snapshot: schedule_named(snapshot, caller.project, name)
        )
        submit = self._submission(caller, before, self._clock.now())

        def work(transaction: Transaction) -> PipelineView:
            made = once.made(transaction, caller.project) if once else None
            if made is None:
                found = schedule_named(transaction, caller.project, name)
                made = submit(transaction).id
                schedules.swap(transaction, found.model_copy(update={"last_pipeline": made}))
                if once:
                    once.remember(transaction, caller.project, made)
            return pipeline_of(transaction, caller.project, made)

        return await self._database.write(work)

    async def run(self) -> None:
        """Submit what is due until cancelled."""
        while True:
            pause = LOOK_SECONDS
            try:
                pause = await self.round()
            except Exception:
                log.exception("A round of schedules failed; the next one takes up what it left")
            await self._clock.sleep(pause)

    async def round(self) -> float:
        """Submit what is due; seconds until the next look."""
        pause = LOOK_SECONDS
        for schedule, is_held in await self._database.read(_due):
            if is_held:
                pause = HELD_SECONDS
                continue
            try:
                await self._fire(schedule)
                pause = 0.0  # more times of it may have passed
            except Exception:
                # One that fails must not keep the others from running; it is due at the next look.
                log.exception("Schedule %s could not run", schedule.id)
        return min(pause, await self._database.read(_until_due))

    async def _fire(self, schedule: Schedule) -> None:
        """Deal with the time that has come."""
        with about(project=schedule.project):
            try:
                await self._submit(schedule)
            except Unavailable:
                raise
            except PileusError as error:
                log.warning("Schedule %s submitted nothing: %s", schedule.name, error.message)
                refusal = partial(_refused, schedule=schedule, error=error)
                await self._database.write(refusal)

    async def _submit(self, schedule: Schedule) -> None:
        caller = await self._database.read(partial(_owner, schedule=schedule))
        caller = caller.model_copy(update={"request_id": self._new_id(PREFIX)})
        moment, following = _dealt_with(schedule, self._clock.now())
        submit = None if moment is None else self._submission(caller, schedule, moment)

        def work(transaction: Transaction) -> None:
            if _is_overtaken(transaction, schedule):
                return
            update: dict[str, object] = {"due_at": following, "trouble": None}
            if submit is not None:
                update["last_pipeline"] = submit(transaction).id
            schedules.swap(transaction, schedule.model_copy(update=update))

        await self._database.write(work)

    def _submission(
        self, caller: Caller, schedule: Schedule, moment: datetime
    ) -> Callable[[Transaction], Pipeline]:
        local = Timetable(schedule.cron, schedule.time_zone).local(moment)
        spec = for_time(schedule.pipeline, local)
        return self._pipelines.submission(caller, spec, schedule=schedule.id, scheduled_at=moment)

    async def _checked(self, caller: Caller, terms: ScheduleTerms | Schedule) -> Timetable:
        timetable = Timetable(terms.cron, terms.time_zone)
        local = timetable.local(self._clock.now())
        await self._pipelines.check(caller, for_time(terms.pipeline, local))
        return timetable


def schedule_named(snapshot: Snapshot, project: str, name: str) -> Schedule:
    """A schedule of a project. Raises ScheduleNotFound."""
    found = schedules.get(snapshot, project=project, name=name)
    if found is None:
        raise ScheduleNotFound(
            f"Schedule {name!r} not found", hint="List them with `pileus schedule list`."
        )
    return found


def _due(snapshot: Snapshot) -> list[tuple[Schedule, bool]]:
    """Schedules whose time has come, and whether each waits for its pipeline of the time before."""
    found = schedules.find(snapshot, [("due_at", "<=", snapshot.now)], order=["due_at", "id"])
    return [
        (
            one,
            not one.overlaps
            and one.last_pipeline is not None
            and is_live(snapshot, one.last_pipeline),
        )
        for one in found
    ]


def _until_due(snapshot: Snapshot) -> float:
    first = schedules.find(snapshot, [("due_at", ">", snapshot.now)], order=["due_at"], limit=1)
    return (_since(first[0]) - snapshot.now).total_seconds() if first else LOOK_SECONDS


def _since(schedule: Schedule) -> datetime:
    """Since when it is due. Raises ValueError for one that is paused."""
    if schedule.due_at is None:
        raise ValueError(f"schedule {schedule.id!r} is paused")
    return schedule.due_at


def _dealt_with(schedule: Schedule, now: datetime) -> tuple[datetime | None, datetime]:
    timetable = Timetable(schedule.cron, schedule.time_zone)
    return due(timetable, schedule.catch_up, _since(schedule), now)


def _is_overtaken(snapshot: Snapshot, schedule: Schedule) -> bool:
    """Whether it ran or was changed since it was read; the next look sees what is due then."""
    found = schedules.get(snapshot, id=schedule.id)
    return found is None or found.rev != schedule.rev


def _owner(snapshot: Snapshot, schedule: Schedule) -> Caller:
    """Whose rights it runs with, as they are now. Raises ScheduleRefused."""
    caller = caller_of(snapshot, schedule.owner)
    if caller is None or not caller.role.includes(Role.DEVELOPER):
        name = principal_name(snapshot, schedule.owner)
        raise ScheduleRefused(
            f"{name!r}, who changed schedule {schedule.name!r} last, may not run jobs any more",
            hint=f"Take it over: `pileus schedule resume {schedule.name}`.",
        )
    return caller


def _refused(transaction: Transaction, schedule: Schedule, error: PileusError) -> None:
    """Keep why nothing was submitted, and go on with the next time."""
    if _is_overtaken(transaction, schedule):
        return
    moment, following = _dealt_with(schedule, transaction.now)
    trouble = Trouble(at=moment or _since(schedule), message=error.message, hint=error.hint)
    update = {"due_at": following, "trouble": trouble}
    schedules.swap(transaction, schedule.model_copy(update=update))
