"""What is shown of what attempts use."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pileus.core.schemas.resources import Device
from pileus.core.schemas.usage import Sample, UsageReport
from pileus.jobs.errors import JobNotFound, NodeUnknown
from pileus.jobs.usage import STALE_SECONDS, UsageService, used_at_end
from tests.unit.jobs.building import CALLER, PROJECT, Worker, ended


@pytest.fixture
def usage(room):
    return UsageService(room.database, "USD", 30.0)


def make_sample(attempt, **fields):
    return Sample(
        **{
            "attempt": attempt,
            "age_ms": 1000,
            "cpu_milli": 900,
            "cpu_ms": 4000,
            "memory_mib": 80,
            "memory_peak_mib": 120,
            "disk_mib": 3,
            "processes": 2,
        }
        | fields
    )


async def tell(usage, worker, *samples, **devices):
    report = UsageReport(boot_id=worker.boot_id, samples=samples, devices=devices)
    await usage.report(worker.id, report)


async def top(usage):
    return await usage.top(PROJECT, most=100)


@pytest.fixture
async def attempt(room, worker):
    """The report of the one attempt that runs."""
    await room.submit(name="lesson", resources={"cpu": 2, "memory_mib": 1024})
    await room.engine.schedule()
    return await worker.start()


class TestReport:
    async def test_a_node_that_did_not_register_is_told(self, usage, worker):
        worker.boot_id = "another"

        with pytest.raises(NodeUnknown, match="another"):
            await tell(usage, worker)

    async def test_it_is_no_news_for_anybody(self, room, usage, worker, attempt):
        before = await room.database.read(lambda snapshot: snapshot.last_change())

        await tell(usage, worker, make_sample(attempt.id))

        assert await room.database.read(lambda s: s.last_change()) == before

    async def test_the_next_one_takes_its_place(self, usage, worker, attempt):
        await tell(usage, worker, make_sample(attempt.id))
        await tell(usage, worker)

        [shown] = (await top(usage)).items
        assert shown.used is None


class TestTop:
    async def test_it_shows_what_was_asked_and_what_is_used(self, room, usage, worker, attempt):
        room.clock.advance(10)
        await tell(usage, worker, make_sample(attempt.id))

        found = await top(usage)

        [shown] = found.items
        assert (shown.name, shown.node, shown.state, shown.number) == ("lesson", "n1", "running", 1)
        assert (shown.asked.cpu, shown.asked.memory_mib) == (2, 1024)
        assert shown.used is not None
        assert (shown.used.cpu_milli, shown.used.memory_mib, shown.used.disk_mib) == (900, 80, 3)
        assert found.at - shown.used.sampled_at == timedelta(seconds=1)
        assert not shown.used.is_stale

    async def test_an_old_sample_is_shown_as_what_it_is(self, room, usage, worker, attempt):
        await tell(usage, worker, make_sample(attempt.id, age_ms=0))

        room.clock.advance(STALE_SECONDS + 1)

        found = await top(usage)
        [shown], [node] = found.items, found.nodes
        assert shown.used is not None
        assert shown.used.is_stale
        assert (node.cpu_milli.used, node.cpu_milli.asked) == (None, 2000)

    async def test_what_it_costs_is_what_the_ledger_says_when_it_has_ended(
        self, room, usage, worker, attempt
    ):
        room.clock.advance(20)
        [before] = (await top(usage)).items
        await room.engine.meter()
        [metered] = (await top(usage)).items
        room.clock.advance(4)
        await worker.sync(ended(attempt))

        after = await usage.of_job(PROJECT, before.job)

        spent = sum(entry.amount_micro for entry in await room.entries())
        assert before.cost_micro == metered.cost_micro > 0
        assert after.items[0].cost_micro == pytest.approx(spent, abs=2)
        assert after.currency == "USD"

    async def test_nobody_pays_beyond_a_lease_that_ran_out(self, room, usage, attempt):
        room.clock.advance(30)
        [at_expiry] = (await top(usage)).items

        room.clock.advance(300)
        await room.reaper.reap()

        [shown] = (await top(usage)).items
        assert shown.state == "suspect"
        assert shown.cost_micro == at_expiry.cost_micro

    async def test_one_that_is_being_prepared_is_starting(self, room, usage, worker):
        await room.submit()
        await room.engine.schedule()

        [shown] = (await top(usage)).items

        assert (shown.state, shown.used, shown.started_at) == ("starting", None, None)

    async def test_one_that_was_asked_to_stop_is_stopping(self, room, usage, attempt):
        [shown] = (await top(usage)).items
        await room.jobs.drain(CALLER)

        [after] = (await top(usage)).items

        assert (shown.state, after.state) == ("running", "stopping")

    async def test_another_project_sees_nodes_and_no_attempts(self, usage, worker, attempt):
        await tell(usage, worker, make_sample(attempt.id))

        found = await usage.top("prj_2", most=100)

        assert found.items == ()
        assert [node.cpu_milli.used for node in found.nodes] == [900]

    async def test_more_than_are_shown_are_told_of(self, room, usage, worker):
        for _ in range(3):
            await room.submit()
        await room.engine.schedule()

        found = await usage.top(PROJECT, most=2)

        assert (len(found.items), found.has_more) == (2, True)


class TestNodes:
    async def test_an_idle_node_uses_nothing_and_a_silent_one_is_not_known(
        self, room, usage, worker
    ):
        [idle] = (await top(usage)).nodes
        room.clock.advance(60)

        [silent] = (await top(usage)).nodes

        assert (idle.cpu_milli.used, idle.memory_mib.used, idle.attempts) == (0, 0, 0)
        assert (silent.is_answering, silent.cpu_milli.used) == (False, None)
        assert (silent.cpu_milli.total, silent.memory_mib.total) == (4000, 8192)

    async def test_a_sample_of_one_that_has_ended_does_not_count(
        self, room, usage, worker, attempt
    ):
        await tell(usage, worker, make_sample(attempt.id))

        await worker.sync(ended(attempt))

        [node] = (await top(usage)).nodes
        assert (node.attempts, node.memory_mib.used) == (0, 0)

    async def test_a_node_speaks_for_its_own_attempts_only(self, room, usage, worker, attempt):
        other = await Worker(room, name="n2").register()

        await tell(usage, other, make_sample(attempt.id))

        [shown] = (await top(usage)).items
        assert shown.used is None


class TestDevices:
    @pytest.fixture
    async def start(self, room):
        """Starts a job on a node of two GPUs."""

        async def start(**resources):
            worker = Worker(room, name="gpus")
            devices = tuple(Device(id=id_, kind="h200", memory_mib=1) for id_ in ("a", "b"))
            capacity = worker.registration().capacity.model_copy(update={"devices": devices})
            registration = worker.registration().model_copy(update={"capacity": capacity})
            worker.id = (await room.nodes.register(registration)).id
            await room.submit(resources=resources)
            await room.engine.schedule()
            return worker, await worker.start()

        return start

    async def test_one_that_holds_them_whole_has_what_is_used_of_them(self, usage, start):
        worker, attempt = await start(gpu=2)

        await tell(usage, worker, make_sample(attempt.id), a=900, b=500)

        found = await top(usage)
        [shown], [node] = found.items, found.nodes
        assert shown.used is not None
        assert shown.used.gpu_milli == 1400
        assert node.gpu_milli.model_dump() == {"used": 1400, "asked": 2000, "total": 2000}

    async def test_of_a_part_of_one_nobody_knows(self, usage, start):
        worker, attempt = await start(gpu=0.5)

        await tell(usage, worker, make_sample(attempt.id), a=900, b=500)

        [shown] = (await top(usage)).items
        assert shown.used is not None
        assert shown.used.gpu_milli is None

    async def test_what_the_driver_does_not_tell_is_not_known(self, usage, start):
        worker, attempt = await start(gpu=2)

        await tell(usage, worker, make_sample(attempt.id), a=900)

        found = await top(usage)
        [shown], [node] = found.items, found.nodes
        assert shown.used is not None
        assert shown.used.gpu_milli is None
        assert (node.gpu_milli.used, node.gpu_milli.asked) == (None, 2000)


class TestOfJob:
    async def test_an_end_tells_what_was_used_in_all(self, room, usage, worker, attempt):
        sampled = {"cpu_ms": 5000, "memory_peak_mib": 600, "disk_mib": 7}
        await worker.sync(ended(attempt, peak_rss_mib=512, cpu_seconds=4.2, usage=sampled))

        [shown] = (await usage.of_job(PROJECT, (await room.all())[0][0].id)).items

        assert shown.used is not None
        assert shown.used.model_dump(exclude_none=True) == {
            "is_stale": False,
            "cpu_ms": 5000,
            "memory_peak_mib": 600,
            "disk_mib": 7,
        }

    async def test_one_that_was_lost_has_what_was_last_seen(self, room, usage, worker, attempt):
        await tell(usage, worker, make_sample(attempt.id))

        await worker.register()

        [shown] = (await usage.of_job(PROJECT, (await room.all())[0][0].id)).items
        assert shown.state == "failed"
        assert shown.used is not None
        assert (shown.used.cpu_ms, shown.used.memory_peak_mib, shown.used.disk_mib) == (
            4000,
            120,
            3,
        )

    async def test_a_job_of_another_project_is_not_there(self, room, usage, attempt):
        job = (await room.all())[0][0]

        with pytest.raises(JobNotFound):
            await usage.of_job("prj_2", job.id)


class TestUsedAtEnd:
    def test_the_largest_process_may_have_peaked_between_two_looks(self):
        used = used_at_end({"usage": {"memory_peak_mib": 300, "cpu_ms": 1}, "peak_rss_mib": 400})

        assert used is not None
        assert used.memory_peak_mib == 400

    def test_what_was_quick_to_find_out_counts_only_where_it_decided(self):
        quick = {"peak_memory_mib": 900, "peak_rss_mib": 400, "cpu_seconds": 1.5}

        below, beyond = used_at_end(quick), used_at_end(quick | {"reason": "out_of_memory"})

        assert below is not None
        assert beyond is not None
        assert (below.memory_peak_mib, beyond.memory_peak_mib) == (400, 900)
        assert below.cpu_ms == 1500

    def test_what_never_ran_used_nothing_that_is_known(self):
        assert used_at_end({"code": None, "peak_rss_mib": 0, "cpu_seconds": 0.0}) is None
        assert used_at_end({}) is None

    def test_what_an_attempt_may_have_written_is_checked(self):
        odd = {"usage": {"cpu_ms": "many", "memory_peak_mib": -1, "disk_mib": 2**60}}

        assert used_at_end(odd | {"cpu_seconds": True, "peak_rss_mib": [1]}) is None
        assert used_at_end({"usage": 7}) is None
