"""Quotas over the engine: what is held is told, and what was planned before a change is void."""

from __future__ import annotations

import pytest

from pileus.core.schemas.jobs import JobSpec, JobStatus, StopReason
from pileus.core.schemas.quota import QuotaTerms
from pileus.core.schemas.tenancy import Project
from pileus.jobs.quotas import QuotaService
from pileus.security.audit import AuditLog
from pileus.security.store import projects, tombstones
from tests.unit.jobs.building import CALLER, ended, running

OTHER = CALLER.model_copy(update={"project": "prj_2", "project_name": "other"})


def terms(cpu, **more):
    return QuotaTerms.model_validate({"limits": {"cpu_milli": {"nominal": cpu}}} | more)


@pytest.fixture
async def quotas(room):
    def work(transaction):
        for caller in (CALLER, OTHER):
            row = Project(
                id=caller.project,
                project=caller.project,
                created_at=transaction.now,
                name=caller.project_name,
            )
            projects.insert(transaction, row)

    await room.database.write(work)
    return QuotaService(room.database, room.ids.new, AuditLog(room.ids.new))


async def submit(room, caller, **spec):
    body = {"kind": "command", "command": ["true"]} | spec
    return await room.jobs.submit(caller, JobSpec.model_validate(body), None)


async def test_what_runs_is_used_and_no_more_is_granted(room, worker, quotas):
    await quotas.set(CALLER, "default", terms(2000))
    jobs = [await room.submit() for _ in range(3)]

    assert await room.engine.schedule() == 2
    [shown] = await quotas.list(CALLER.project)
    waiting = await room.jobs.waiting(await room.job(jobs[2]))

    assert (shown.resources[0].used, shown.resources[0].borrowed) == (2000, 0)
    assert waiting.reason.startswith("Waits for quota")


async def test_a_plan_made_before_a_quota_was_set_is_void(room, worker, quotas, monkeypatch):
    job = await room.submit()
    jot = room.database.jot

    async def late(work):
        monkeypatch.undo()
        await quotas.set(CALLER, "default", terms(0))
        return await jot(work)

    monkeypatch.setattr(room.database, "jot", late)

    assert await room.engine.schedule() == 0
    assert (await room.job(job)).status is JobStatus.QUEUED


async def test_borrowed_quota_is_reclaimed_by_way_of_a_checkpoint(room, worker, quotas):
    await quotas.set(CALLER, "default", terms(1000, cohort="c"))
    await quotas.set(CALLER, "other", terms(1000, cohort="c", reclaim="any"))
    first, second = await room.submit(), await room.submit()
    assert await room.engine.schedule() == 2
    orders = (await worker.sync()).attempts
    await worker.sync(*(running(order) for order in orders))
    room.clock.advance(20)
    await worker.sync(*(running(order) for order in orders))
    room.clock.advance(20)
    await worker.sync(*(running(order) for order in orders))
    room.clock.advance(25)
    await worker.sync(*(running(order) for order in orders))
    owed = await submit(room, OTHER)

    assert await room.engine.schedule() == 0
    asked = [job for job in (first, second) if (await room.job(job)).stop_requested]
    assert len(asked) == 1
    assert (await room.job(asked[0])).stop_requested is StopReason.PREEMPT
    late = await room.submit(priority=1000)
    assert await room.engine.schedule() == 0  # neither a second victim nor a grant in between
    [stopped] = [order for order in orders if order.job == asked[0].id]
    [kept] = [order for order in orders if order.job != asked[0].id]
    await worker.sync(running(kept), ended(stopped, code=-15, reason="preempt"))

    assert await room.engine.schedule() == 1
    granted = (await room.all())[1][-1]
    assert granted.job == owed.id
    assert (await room.job(asked[0])).status is JobStatus.QUEUED
    assert (await room.job(late)).status is JobStatus.QUEUED
    shown = {quota.name: quota.resources[0] for quota in await quotas.list()}
    assert (shown["default"].used, shown["other"].used) == (1000, 1000)


async def test_one_that_is_removed_leaves_a_tombstone(room, worker, quotas):
    await quotas.set(CALLER, "default", terms(1000))

    await quotas.remove(CALLER, "default")

    (gone,) = await room.database.read(tombstones.find)
    assert (gone.noun, gone.name, gone.collected_at) == ("quota", "default", gone.created_at)
    for _ in range(3):
        await room.submit()
    assert await room.engine.schedule() == 3
