"""Schedules over the engine, on a clock of their own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pileus.core.schemas.schedules import CatchUp, NewSchedule, ScheduleChange, ScheduleTerms
from pileus.core.schemas.tenancy import Principal, Project, Role
from pileus.jobs.errors import (
    PipelineRefused,
    ScheduleExists,
    ScheduleNotFound,
    ScheduleRefused,
)
from pileus.jobs.pipelines import PipelineService
from pileus.jobs.schedules import HELD_SECONDS, LOOK_SECONDS, ScheduleService
from pileus.security.audit import AuditLog
from pileus.security.store import principals, projects
from pileus.server.deletion.plans import schedule as plan_of_schedule
from pileus.storage.errors import Stale
from pileus.storage.idempotency import Once
from tests.unit.jobs.building import CALLER, PROJECT
from tests.unit.jobs.test_pipelines import run, spec

OTHER = CALLER.model_copy(update={"principal": "prn_2", "principal_name": "other"})


@pytest.fixture
async def schedules(room):
    audit = AuditLog(room.ids.new)
    now = room.clock.now()

    def found(transaction):
        projects.insert(
            transaction, Project(id=PROJECT, project=PROJECT, created_at=now, name="default")
        )
        for caller in (CALLER, OTHER):
            principals.insert(
                transaction,
                Principal(
                    id=caller.principal,
                    project=PROJECT,
                    created_at=now,
                    name=caller.principal_name,
                    kind="user",
                    role=Role.DEVELOPER,
                ),
            )

    await room.database.write(found)
    pipelines = PipelineService(room.database, room.ids.new, audit, room.jobs)
    return ScheduleService(room.database, room.clock, room.ids.new, audit, pipelines)


def terms(**changes):
    base = {"name": "nightly", "cron": "@hourly", "pipeline": spec(a=[])}
    return NewSchedule.model_validate(base | changes)


async def made(schedules, **changes):
    return await schedules.create(CALLER, terms(**changes), None)


async def hours(room, schedules, count):
    room.clock.advance(count * 3600)
    return await schedules.round()


async def ran(schedules, name="nightly"):
    """The times that its pipelines ran for, oldest first, as hours of the day."""
    shown = await schedules.schedule(PROJECT, name)
    return [one.scheduled_at.hour for one in reversed(shown.pipelines)]


class TestCreate:
    async def test_its_first_time_is_due(self, room, schedules):
        schedule = await made(schedules)

        assert schedule.due_at == room.clock.now() + timedelta(hours=1)
        shown = await schedules.schedule(PROJECT, "nightly")
        assert [time.hour for time in shown.times] == [1, 2, 3, 4, 5]
        assert shown.pipelines == []

    async def test_a_name_is_taken_once_and_a_repeat_is_the_same(self, schedules):
        once = Once("k", "r")
        first = await schedules.create(CALLER, terms(), once)

        assert (await schedules.create(CALLER, terms(), once)).id == first.id
        with pytest.raises(ScheduleExists, match="nightly"):
            await made(schedules)

    async def test_a_pipeline_that_could_not_run_now_is_refused(self, schedules):
        bad = spec(a={"inputs": [{"name": "x", "dataset": "gone"}]})

        with pytest.raises(PipelineRefused, match="gone"):
            await made(schedules, pipeline=bad)
        with pytest.raises(ScheduleRefused, match="Mars"):
            await made(schedules, time_zone="Mars/Olympus")

        assert await schedules.schedules(PROJECT) == []

    async def test_a_check_keeps_nothing(self, schedules):
        wanted = ScheduleTerms.model_validate(
            {"cron": "@daily", "time_zone": "Asia/Tokyo", "pipeline": spec(b=["a"], a=[])}
        )

        preview = await schedules.check(CALLER, wanted)

        assert preview.jobs == ["a", "b"]
        assert preview.times[0].isoformat() == "2026-01-02T00:00:00+09:00"
        assert await schedules.schedules(PROJECT) == []


class TestRound:
    async def test_what_is_due_is_submitted_once(self, room, schedules):
        await made(schedules)
        assert await schedules.round() == LOOK_SECONDS

        await hours(room, schedules, 1)
        await schedules.round()

        shown = await schedules.schedule(PROJECT, "nightly")
        assert [one.scheduled_at.hour for one in shown.pipelines] == [1]
        [job] = await room.jobs.jobs(PROJECT)
        assert job.request_id.startswith("req_")
        assert job.submitted_by == CALLER.principal

    async def test_the_next_look_is_when_the_next_is_due(self, room, schedules):
        await made(schedules)
        room.clock.advance(3598)

        assert await schedules.round() == pytest.approx(2)

    async def test_two_servers_submit_it_once(self, room, schedules):
        await made(schedules)
        room.clock.advance(3600)
        [schedule] = await schedules.schedules(PROJECT)

        await schedules._fire(schedule)
        await schedules._fire(schedule)  # as it was read before the other was through

        assert len(await room.jobs.jobs(PROJECT)) == 1

    @pytest.mark.parametrize(
        "rule, times",
        [(CatchUp.SKIP, [6]), (CatchUp.LATEST, [5, 6]), (CatchUp.ALL, [1, 2, 3, 4, 5, 6])],
    )
    async def test_times_that_passed_are_made_up_for_by_the_rule(
        self, room, schedules, rule, times
    ):
        await made(schedules, catch_up=rule, overlaps=True)
        room.clock.advance(5.5 * 3600)
        while await schedules.round() == 0:
            pass
        room.clock.advance(0.5 * 3600)

        await schedules.round()

        assert await ran(schedules) == times

    async def test_it_waits_for_the_pipeline_of_the_time_before(self, room, worker, schedules):
        await made(schedules)
        await hours(room, schedules, 1)

        pause = await hours(room, schedules, 2)
        waited = await ran(schedules)
        await worker.register()  # silent for two hours
        await run(room, worker)
        await schedules.round()

        assert pause == HELD_SECONDS
        assert (waited, await ran(schedules)) == ([1], [1, 3])

    async def test_one_that_overlaps_does_not_wait(self, room, schedules):
        await made(schedules, overlaps=True)
        await hours(room, schedules, 1)
        await hours(room, schedules, 1)

        assert await ran(schedules) == [1, 2]

    async def test_jobs_are_told_the_time_that_they_run_for(self, room, schedules):
        told = spec(a={"command": ["load", "${scheduled_at}"], "env": {"AT": "<${scheduled_at}>"}})
        await made(schedules, pipeline=told, time_zone="Europe/Berlin")

        await hours(room, schedules, 1)

        [job] = await room.jobs.jobs(PROJECT)
        assert job.spec.command == ("load", "2026-01-01T02:00:00+01:00")
        assert job.spec.env == {"AT": "<2026-01-01T02:00:00+01:00>"}

    async def test_what_cannot_be_submitted_is_told_and_the_next_time_tries_again(
        self, room, schedules, monkeypatch
    ):
        await made(schedules)
        draft = room.jobs.draft
        monkeypatch.setattr(room.jobs, "draft", refuses)
        await hours(room, schedules, 1)
        refused = (await schedules.schedule(PROJECT, "nightly")).schedule
        monkeypatch.setattr(room.jobs, "draft", draft)
        await hours(room, schedules, 1)

        assert "no such recipe" in refused.trouble.message
        assert refused.trouble.at.hour == 1
        assert await ran(schedules) == [2]
        assert (await schedules.schedule(PROJECT, "nightly")).schedule.trouble is None

    async def test_one_that_breaks_keeps_no_other_from_running(self, room, schedules, monkeypatch):
        await made(schedules)
        await made(schedules, name="other")
        submit = schedules._submit

        async def breaks(schedule):
            if schedule.name == "nightly":
                raise Stale("broken")
            await submit(schedule)

        monkeypatch.setattr(schedules, "_submit", breaks)
        await hours(room, schedules, 1)

        assert (await ran(schedules), await ran(schedules, "other")) == ([], [1])

    async def test_rights_are_those_of_its_owner_at_that_time(self, room, schedules):
        await made(schedules)
        await demote(room, CALLER)

        await hours(room, schedules, 1)
        refused = (await schedules.schedule(PROJECT, "nightly")).schedule
        await schedules.change(OTHER, "nightly", ScheduleChange(is_paused=False))
        await hours(room, schedules, 1)

        assert "may not run jobs any more" in refused.trouble.message
        assert "pileus schedule resume nightly" in refused.trouble.hint
        assert await ran(schedules) == [2]
        [job] = await room.jobs.jobs(PROJECT)
        assert job.submitted_by == OTHER.principal


class TestChange:
    async def test_what_passed_while_it_was_paused_is_not_made_up_for(self, room, schedules):
        await made(schedules, catch_up="all")
        paused = await schedules.change(CALLER, "nightly", ScheduleChange(is_paused=True))
        await hours(room, schedules, 5)
        shown = await schedules.schedule(PROJECT, "nightly")

        resumed = await schedules.change(CALLER, "nightly", ScheduleChange(is_paused=False))
        await schedules.round()

        assert (paused.is_paused, shown.times) == (True, [])
        assert resumed.due_at.hour == 6
        assert await ran(schedules) == []

    async def test_another_time_counts_from_now_and_what_is_absent_stays(self, schedules):
        await made(schedules, catch_up="skip")

        changed = await schedules.change(CALLER, "nightly", ScheduleChange(cron="30 7 * * *"))

        assert (changed.due_at.hour, changed.due_at.minute) == (7, 30)
        assert changed.catch_up is CatchUp.SKIP

    async def test_another_pipeline_leaves_what_is_due(self, room, schedules):
        before = await made(schedules)
        room.clock.advance(1800)

        changed = await schedules.change(CALLER, "nightly", ScheduleChange(pipeline=spec(b=[])))
        await hours(room, schedules, 0.5)

        assert changed.due_at == before.due_at
        [job] = await room.jobs.jobs(PROJECT)
        assert job.step == "b"

    async def test_paused_it_takes_another_time_and_stays_paused(self, schedules):
        await made(schedules)
        await schedules.change(CALLER, "nightly", ScheduleChange(is_paused=True))

        changed = await schedules.change(CALLER, "nightly", ScheduleChange(cron="@daily"))

        assert changed.is_paused

    async def test_what_cannot_run_any_more_can_be_paused_and_not_resumed(
        self, schedules, monkeypatch
    ):
        await made(schedules)
        monkeypatch.setattr(schedules._pipelines._jobs, "draft", refuses)

        paused = await schedules.change(CALLER, "nightly", ScheduleChange(is_paused=True))
        with pytest.raises(PipelineRefused):
            await schedules.change(CALLER, "nightly", ScheduleChange(is_paused=False))

        assert paused.is_paused

    async def test_a_change_that_could_not_run_changes_nothing(self, schedules):
        before = await made(schedules)

        with pytest.raises(ScheduleRefused):
            await schedules.change(CALLER, "nightly", ScheduleChange(cron="61 * * * *"))

        assert (await schedules.schedule(PROJECT, "nightly")).schedule == before
        with pytest.raises(ScheduleNotFound):
            await schedules.change(CALLER, "weekly", ScheduleChange(cron="@weekly"))


class TestRunNow:
    async def test_it_runs_beside_its_times(self, room, schedules):
        before = await made(schedules)
        once = Once("k", "r")

        pipeline = await schedules.run_now(CALLER, "nightly", once)
        again = await schedules.run_now(CALLER, "nightly", once)

        assert pipeline.id == again.id
        assert len(await room.jobs.jobs(PROJECT)) == 1
        shown = await schedules.schedule(PROJECT, "nightly")
        assert shown.schedule.due_at == before.due_at
        assert [one.id for one in shown.pipelines] == [pipeline.id]


class TestDelete:
    async def test_its_pipelines_stay(self, room, schedules):
        schedule = await made(schedules)
        await hours(room, schedules, 1)

        burial = await room.database.read(lambda s: plan_of_schedule(s, CALLER, "nightly"))

        assert [table.name for table, _ in burial.rows] == ["schedule"]
        assert (burial.subject, burial.name) == (schedule.id, "nightly")


def refuses(caller, spec):
    raise PipelineRefused("no such recipe")


async def demote(room, caller):
    def work(transaction):
        found = principals.get(transaction, id=caller.principal)
        principals.swap(transaction, found.model_copy(update={"role": Role.VIEWER}))

    await room.database.write(work)
