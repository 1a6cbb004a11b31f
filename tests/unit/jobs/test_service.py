from __future__ import annotations

import pytest

from pileus.core.schemas.jobs import JobSpec
from pileus.jobs.errors import JobRefused
from pileus.registry.errors import DatasetNotFound
from tests.unit.jobs.building import CALLER


def command(**more: object) -> JobSpec:
    return JobSpec.model_validate({"kind": "command", "command": ["true"], **more})


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
