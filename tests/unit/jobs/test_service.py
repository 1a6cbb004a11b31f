from __future__ import annotations

import pytest

from pileus.core.schemas.jobs import JobSpec
from pileus.jobs.errors import JobRefused
from pileus.registry.errors import DatasetNotFound
from pileus.security.errors import SecretNotFound
from tests.unit.jobs.building import CALLER, put_secret


def command(**more: object) -> JobSpec:
    return JobSpec.model_validate({"kind": "command", "command": ["true"], **more})


class TestSecrets:
    async def test_a_job_that_names_one_that_is_not_there_is_refused(self, room):
        with pytest.raises(SecretNotFound, match="'PW' not found") as refused:
            await room.submit(secrets=["PW"])

        assert "pileus secret set PW" in str(refused.value.hint)
        assert await room.jobs.jobs(CALLER.project) == []

    async def test_orders_name_them_and_no_more(self, room, worker):
        await put_secret(room)
        job = await room.submit(secrets=["PW", {"name": "PW", "file": "pw.txt"}])
        await room.engine.schedule()

        (order,) = (await worker.sync()).attempts

        assert order.spec.secrets == job.spec.secrets
        assert order.spec.env == {}


class TestEstimate:
    async def test_what_fits_would_start_and_nothing_is_queued(self, room, worker):
        found = await room.jobs.estimate(CALLER, command())

        assert (found.node, found.reason) == (worker.name, None)
        assert await room.jobs.jobs(CALLER.project) == []

    async def test_what_does_not_fit_beside_the_others_would_wait(self, room, worker):
        await room.submit(resources={"cpu": 3})

        found = await room.jobs.estimate(CALLER, command(resources={"cpu": 3}))

        assert found.node is None
        assert found.reason == "Waits for cpu=3 memory=512MiB to be free"
        assert found.hint is not None

    async def test_a_higher_priority_goes_before_the_queue(self, room, worker):
        await room.submit(resources={"cpu": 3})

        found = await room.jobs.estimate(CALLER, command(resources={"cpu": 3}, priority=1))

        assert found.node == worker.name

    async def test_the_price_is_that_of_all_it_holds(self, room):
        spec = command(resources={"cpu": 2, "memory_mib": 2048, "gpu": 0.5})

        found = await room.jobs.estimate(CALLER, spec)

        # 0.04 for a processor, 0.005 for a GiB and 2.00 for a GPU, an hour each.
        assert found.micro_per_hour == pytest.approx(1_090_000, rel=1e-3)
        assert (found.most_micro, found.currency) == (None, "USD")

    async def test_with_a_timeout_there_is_a_most(self, room):
        spec = command(timeout_seconds=3580, grace_seconds=20, max_attempts=2)

        found = await room.jobs.estimate(CALLER, spec)

        assert found.most_micro == pytest.approx(2 * found.micro_per_hour, abs=2)

    async def test_it_refuses_what_a_submit_would_refuse(self, room):
        with pytest.raises(DatasetNotFound):
            await room.jobs.estimate(CALLER, command(inputs=[{"name": "x", "dataset": "gone"}]))
        inputs = [{"name": "checkpoint", "dataset": "gone"}]
        with pytest.raises(JobRefused, match="checkpoint"):
            await room.jobs.estimate(CALLER, command(inputs=inputs))


class TestQueue:
    async def test_jobs_stand_in_the_order_in_which_they_are_considered(self, room, worker):
        first = await room.submit(resources={"cpu": 3})
        second = await room.submit(resources={"cpu": 3})
        urgent = await room.submit(resources={"cpu": 3}, priority=5)

        queue = await room.jobs.queue(CALLER.project, most=10)

        assert [(one.position, one.job) for one in queue.items] == [
            (1, urgent.id),
            (2, first.id),
            (3, second.id),
        ]
        assert [one.node for one in queue.items] == [worker.name, None, None]
        assert queue.items[1].reason == "Waits for cpu=3 memory=512MiB to be free"

    async def test_each_knows_when_it_starts_where_the_ends_before_it_are_known(self, room, worker):
        for _ in range(3):
            await room.submit(resources={"cpu": 4}, timeout_seconds=60)
        await room.engine.schedule()
        await room.submit(resources={"cpu": 4})
        last = await room.submit(resources={"cpu": 4})

        queue = await room.jobs.queue(CALLER.project, most=10)

        now = room.clock.now()
        starts = [one.eta and (one.eta - now).total_seconds() for one in queue.items]
        assert starts == [60, 120, 180, None]
        assert (await room.jobs.waiting(last)).eta is None
        found = await room.jobs.estimate(CALLER, command(resources={"cpu": 4}, priority=1))
        assert (found.eta - now).total_seconds() == 60

    async def test_of_a_long_queue_only_the_first_are_foretold(self, room, worker, monkeypatch):
        monkeypatch.setattr("pileus.jobs.service.MOST_FORETOLD", 2)
        waiting = [await room.submit(resources={"cpu": 4}, timeout_seconds=60) for _ in range(4)]
        await room.engine.schedule()

        queue = await room.jobs.queue(CALLER.project, most=10)

        assert [one.eta is not None for one in queue.items] == [True, True, False]
        assert (await room.jobs.waiting(waiting[-1])).eta is None
        found = await room.jobs.estimate(CALLER, command(resources={"cpu": 4}))
        assert found.eta is None

    async def test_others_count_and_are_not_shown(self, room, worker):
        other = CALLER.model_copy(update={"project": "prj_2"})
        await room.jobs.submit(other, command(priority=9), None)
        own = await room.submit()

        queue = await room.jobs.queue(CALLER.project, most=10)

        assert [(one.position, one.job) for one in queue.items] == [(2, own.id)]

    async def test_a_long_queue_is_cut_and_says_so(self, room, worker):
        for _ in range(3):
            await room.submit()

        queue = await room.jobs.queue(CALLER.project, most=2)

        assert ([one.position for one in queue.items], queue.has_more) == ([1, 2], True)

    async def test_while_the_installation_goes_down_all_wait_for_that(self, room, worker):
        await room.submit()
        await room.jobs.drain(CALLER)

        queue = await room.jobs.queue(CALLER.project, most=2)

        assert [one.reason for one in queue.items] == ["The installation is going down"]
