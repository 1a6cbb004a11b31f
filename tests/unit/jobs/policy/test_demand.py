from __future__ import annotations

import random
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.core.schemas.resources import Resources
from pileus.jobs.policy import demand as module
from pileus.jobs.policy.demand import Demand, Shape
from pileus.jobs.policy.devices import Devices
from tests.unit.jobs.policy.building import REQUESTS, demand, request


class TestShape:
    @pytest.mark.parametrize(
        "gpu, devices", [(0, (0, 0)), (0.25, (250, 1)), (1, (1000, 1)), (3, (1000, 3))]
    )
    def test_a_request_for_gpus_is_so_much_of_so_many_devices(
        self, gpu: float, devices: tuple[int, int]
    ) -> None:
        assert Shape.of(request(gpu=gpu)).of_devices == Devices(*devices, None)


class TestDemand:
    def test_shares_are_those_of_what_was_seen(self) -> None:
        found = demand(*[request(gpu=1)] * 3, request(gpu=2), request())

        assert [(one.shape.of_devices.number, one.share) for one in found.expected] == [
            (1, 0.75),
            (2, 0.25),
        ]

    def test_what_is_rare_is_left_out_and_the_rest_are_all_there_is(self) -> None:
        found = demand(*[request(gpu=1)] * 96, *(request(gpu=2 + n) for n in range(4)))

        assert [one.share for one in found.expected] == [1.0]

    def test_no_more_are_looked_at_than_a_decision_has_time_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_MOST", 2)

        found = demand(*(request(gpu=1 + n) for n in range(5)))

        assert [one.share for one in found.expected] == [0.5, 0.5]

    def test_nobody_who_wanted_a_gpu_is_nothing_expected(self) -> None:
        found = demand(request())

        assert (found.expected, found.fed(1, 1)) == ((), inf)

    def test_a_gpu_is_fed_by_what_comes_with_one_on_average(self) -> None:
        found = demand(request(cpu=4, memory_mib=1000, gpu=1), request(cpu=2, gpu=1), request())

        assert found.fed(cpu_milli=6000, memory_mib=10**6) == pytest.approx(2000)
        assert found.fed(cpu_milli=10**6, memory_mib=1100) == pytest.approx(2000)

    @given(st.lists(REQUESTS, max_size=30), st.randoms(use_true_random=False))
    def test_the_order_changes_nothing(
        self, requests: list[Resources], chance: random.Random
    ) -> None:
        shuffled = chance.sample(requests, len(requests))

        assert demand(*requests).expected == demand(*shuffled).expected
        assert isinstance(demand(*requests), Demand)
