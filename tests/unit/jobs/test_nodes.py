"""What a node hears for what it says."""

from __future__ import annotations

import asyncio
import time

import pytest

from pileus.core.schemas.jobs import AttemptStatus, JobStatus, NodeReport
from pileus.jobs.errors import NodeUnknown
from pileus.jobs.nodes import Quiet
from pileus.storage.transaction import Change
from tests.unit.jobs.building import Worker, ended, running


async def statuses(room):
    _, attempts, _, _ = await room.all()
    return [attempt.status for attempt in attempts]


class TestRegister:
    async def test_a_plan_made_before_a_node_changed_is_void(self, room, worker):
        from pileus.jobs.pool import load_pool  # read where the test stands

        await room.submit()
        before = await room.database.read(lambda snapshot: load_pool(snapshot, 30))

        await Worker(room, cpu_milli=100).register()

        after = await room.database.read(lambda snapshot: load_pool(snapshot, 30))
        assert after.epoch > before.epoch

    async def test_what_never_started_is_ordered_again_after_a_boot(self, room, worker):
        job = await room.submit()
        await room.engine.schedule()
        await worker.sync()

        worker.boot_id = "boot-2"
        await worker.register()
        await worker.sync()

        assert len(worker.orders) == 1
        assert (await room.job(job)).failures == 0


class TestSync:
    async def test_a_node_that_did_not_register_is_told(self, room, worker):
        worker.boot_id = "another"

        with pytest.raises(NodeUnknown, match="another"):
            await worker.sync()

    async def test_an_order_that_is_being_prepared_outlives_a_server_that_was_away(
        self, room, worker
    ):
        job = await room.submit()
        await room.engine.schedule()
        await worker.sync()
        room.clock.advance(60)
        await room.reaper.reap()
        assert await statuses(room) == [AttemptStatus.SUSPECT]

        await worker.sync()
        granted = await statuses(room)
        await worker.sync(running(next(iter(worker.orders.values()))))

        assert granted == [AttemptStatus.GRANTED]
        assert await statuses(room) == [AttemptStatus.RUNNING]
        assert (await room.job(job)).failures == 0

    async def test_a_suspect_that_is_reported_runs_on(self, room, worker):
        job = await room.submit()
        await room.engine.schedule()
        report = await worker.start()
        room.clock.advance(300)
        await room.reaper.reap()

        await worker.sync(report)

        assert await statuses(room) == [AttemptStatus.RUNNING]
        assert (await room.job(job)).attempts == 1

    async def test_a_report_that_comes_late_does_not_end_what_began_after_it(self, room, worker):
        job = await room.submit()
        await room.engine.schedule()
        (order,) = (await worker.sync()).attempts
        heard = NodeReport(boot_id="boot-1", sent_ms=2000, attempts=(running(order),))
        await room.nodes.sync(worker.id, heard, 0)

        late = NodeReport(boot_id="boot-1", sent_ms=1000)
        await room.nodes.sync(worker.id, late, 0)
        after_late = (await room.job(job)).status
        await room.nodes.sync(worker.id, late.model_copy(update={"sent_ms": 3000}), 0)

        assert after_late is JobStatus.RUNNING
        assert (await room.job(job)).status is JobStatus.QUEUED

    async def test_a_registration_that_comes_late_does_not_end_what_began_after_it(
        self, room, worker
    ):
        job = await room.submit()
        await room.engine.schedule()
        (order,) = (await worker.sync()).attempts
        heard = NodeReport(boot_id="boot-1", sent_ms=2000, attempts=(running(order),))
        await room.nodes.sync(worker.id, heard, 0)

        await room.nodes.register(worker.registration().model_copy(update={"sent_ms": 1000}))

        assert (await room.job(job)).status is JobStatus.RUNNING

    async def test_renewals_in_quick_succession_change_nothing(self, room, worker):
        await room.submit()
        await room.engine.schedule()
        report = await worker.start()
        before = await room.database.read(lambda snapshot: snapshot.last_change())

        for _ in range(5):
            room.clock.advance(0.5)
            await worker.sync(report)

        assert await room.database.read(lambda snapshot: snapshot.last_change()) == before

    async def test_a_lease_is_renewed_also_after_the_clock_went_back(self, room, worker):
        await room.submit()
        await room.engine.schedule()
        report = await worker.start()

        room.clock.advance(-3600)
        await worker.sync(report)

        _, _, [lease], _ = await room.all()
        assert (lease.expires_at - room.clock.now()).total_seconds() == 30

    async def test_one_end_that_cannot_be_recorded_does_not_stop_the_others(
        self, room, worker, monkeypatch
    ):
        for _ in range(2):
            await room.submit()
        await room.engine.schedule()
        await worker.sync()
        bad, good = worker.orders.values()
        record = room.ends.record

        async def broken(attempt, reported, held):
            if attempt == bad.id:
                raise KeyError(attempt)
            await record(attempt, reported, held)

        monkeypatch.setattr(room.ends, "record", broken)
        orders = await worker.sync(ended(bad), ended(good))

        assert orders.forget == (good.id,)
        assert (await room.job(good.job)).status is JobStatus.SUCCEEDED

    async def test_orders_do_not_wait_for_an_end_that_is_said_twice_and_recorded_once(
        self, room, worker, monkeypatch
    ):
        await room.submit()
        await room.engine.schedule()
        await worker.sync()
        [order] = worker.orders.values()
        await worker.sync(running(order))
        record, may_go_on, began = room.ends.record, asyncio.Event(), []

        async def slow(attempt, reported, held):
            began.append(attempt)
            await may_go_on.wait()
            await record(attempt, reported, held)

        monkeypatch.setattr(room.ends, "record", slow)
        await room.submit()
        await room.engine.schedule()
        said = NodeReport(boot_id="boot-1", seen=worker.seen, attempts=(ended(order),))
        orders = await room.nodes.sync(worker.id, said, 30)
        again = asyncio.create_task(worker.sync(ended(order)))
        await asyncio.sleep(0.02)
        may_go_on.set()
        await again

        assert {one.id for one in orders.attempts} > {order.id}
        assert began == [order.id]
        assert (await room.job(order.job)).status is JobStatus.SUCCEEDED

    async def test_an_end_that_is_recorded_is_not_taken_again_while_it_is_said(
        self, room, worker, monkeypatch
    ):
        await room.submit()
        await room.engine.schedule()
        await worker.sync()
        [order] = worker.orders.values()
        record, recorded = room.ends.record, []

        async def failing_first(attempt, reported, held):
            recorded.append(attempt)
            if len(recorded) == 1:
                raise KeyError(attempt)
            await record(attempt, reported, held)

        monkeypatch.setattr(room.ends, "record", failing_first)
        for _ in range(4):
            orders = await worker.sync(ended(order))

        assert recorded == [order.id, order.id]
        assert orders.forget == (order.id,)
        await worker.sync()
        assert not room.nodes._taken[worker.id]

    async def test_an_end_with_another_token_does_not_hold_up_the_true_one(self, room, worker):
        await room.submit()
        await room.engine.schedule()
        await worker.sync()
        [order] = worker.orders.values()
        false = ended(order).model_copy(update={"lease_token": "another"})

        await worker.sync(false, ended(order))

        assert (await room.job(order.job)).status is JobStatus.SUCCEEDED

    async def test_it_waits_until_something_concerns_this_node(self, room, worker):
        await worker.sync()
        report = NodeReport(boot_id="boot-1", seen=worker.seen)
        asked = asyncio.create_task(room.nodes.sync(worker.id, report, 30))
        await asyncio.sleep(0.02)

        await room.submit()
        await asyncio.sleep(0.05)
        still_waits = not asked.done()
        began = time.monotonic()
        await room.engine.schedule()
        orders = await asked

        assert still_waits
        assert len(orders.attempts) == 1
        assert time.monotonic() - began < 5

    async def test_a_loss_is_recorded_though_the_node_hangs_up(self, room, worker, monkeypatch):
        job = await room.submit()
        await room.engine.schedule()
        await worker.start()
        begun, may_go_on = asyncio.Event(), asyncio.Event()
        drop = room.streams.drop

        async def late(attempt):
            begun.set()
            await may_go_on.wait()
            await drop(attempt)
            dropped.set()

        dropped = asyncio.Event()
        monkeypatch.setattr(room.streams, "drop", late)
        asked = asyncio.create_task(worker.sync())  # that does not have it any more
        await begun.wait()
        asked.cancel()
        may_go_on.set()

        async with asyncio.timeout(10):
            await dropped.wait()
        assert (await room.job(job)).status is JobStatus.QUEUED  # to be tried again

    @pytest.mark.parametrize(
        "change,is_news",
        [
            (Change(7, "prj_1", "attempt", "att_9", 1, "nod_1"), True),
            (Change(7, "prj_1", "attempt", "att_9", 1, "nod_2"), False),
            (Change(7, "prj_1", "attempt", "att_9", 1), True),  # another server's: nobody knows
            (Change(7, "prj_1", "job", "job_1", 2), True),
            (Change(7, "prj_1", "job", "job_2", 2), False),
            (Change(7, "", "pool", "default", 2), False),
        ],
    )
    def test_an_attempt_on_another_node_is_no_news(self, change, is_news):
        assert Quiet(6, "nod_1", frozenset({"job_1"})).is_news(change) is is_news

    async def test_what_a_server_grants_itself_it_knows_the_node_of(self, room, worker):
        await room.submit()
        start = await room.database.wait(0, 0)

        await room.engine.schedule()

        told = [c.about for c in room.database.recent(start) if c.noun == "attempt"]
        assert told == [worker.id]
