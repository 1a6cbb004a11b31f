from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.core.schemas.resources import Resources
from pileus.jobs.policy.devices import usable_devices
from pileus.jobs.policy.waste import Outlook
from tests.unit.jobs.policy.building import REQUESTS, demand, request

AMPLE = 10**9


def waste(outlook: Outlook, *left: int, cpu: int = AMPLE, memory: int = AMPLE) -> float:
    return outlook.of(left).waste(cpu, memory)


class TestFragments:
    def test_a_piece_too_small_for_who_comes_is_wasted(self) -> None:
        outlook = Outlook(demand(request(gpu=0.5)), ("t4", "t4"))

        assert waste(outlook, 400, 1000) == pytest.approx(400)

    def test_it_is_wasted_for_the_share_that_cannot_use_it(self) -> None:
        outlook = Outlook(demand(request(gpu=0.5), request(gpu=0.25)), ("t4",))

        assert waste(outlook, 400) == pytest.approx(200)

    def test_jobs_without_a_gpu_say_nothing_of_it(self) -> None:
        outlook = Outlook(demand(request(), request(gpu=1)), ("t4",))

        assert waste(outlook, 1000) == pytest.approx(0)

    def test_two_halves_are_no_device_and_one_device_is_not_two(self) -> None:
        outlook = Outlook(demand(request(gpu=2)), ("t4", "t4", "t4"))

        assert waste(outlook, 500, 500, 1000) == pytest.approx(2000)
        assert waste(outlook, 0, 1000, 1000) == pytest.approx(0)

    def test_without_processors_for_the_job_all_of_it_is(self) -> None:
        outlook = Outlook(demand(request(cpu=4, gpu=1), request(cpu=1, gpu=1)), ("t4",))

        few = waste(outlook, 1000, cpu=3999) - waste(outlook, 1000, cpu=4000)

        assert few == pytest.approx(500)

    def test_without_memory_for_the_job_all_of_it_is(self) -> None:
        outlook = Outlook(demand(request(memory_mib=900, gpu=1), request(gpu=1)), ("t4",))

        few = waste(outlook, 1000, memory=899) - waste(outlook, 1000, memory=900)

        assert few == pytest.approx(500)

    def test_devices_of_another_kind_are_wasted_on_who_asks_for_one(self) -> None:
        outlook = Outlook(demand(request(gpu=1, gpu_kind="a100")), ("a100", "t4"))

        assert waste(outlook, 1000, 1000) == pytest.approx(1000)


class TestStranded:
    def test_what_the_processors_cannot_feed_is_wasted(self) -> None:
        outlook = Outlook(demand(request(cpu=4, gpu=1)), ("t4",) * 4)

        assert waste(outlook, *[1000] * 4, cpu=8000) == pytest.approx(2000)

    def test_what_the_memory_cannot_feed_is_wasted(self) -> None:
        outlook = Outlook(demand(request(memory_mib=1000, gpu=1)), ("t4",) * 4)

        assert waste(outlook, *[1000] * 4, memory=1000) == pytest.approx(3000)


class TestWhole:
    @given(
        st.lists(REQUESTS, max_size=12),
        st.sampled_from([("t4",) * 3, ("a100", "t4", "t4")]),
        st.lists(st.integers(0, 1000), min_size=3, max_size=3),
        st.integers(0, 20_000),
        st.integers(0, 20_000),
    )
    def test_it_is_what_the_definition_says(
        self,
        requests: list[Resources],
        kinds: tuple[str, ...],
        left: list[int],
        cpu: int,
        memory: int,
    ) -> None:
        expected = demand(*requests)
        total = sum(left)
        useful = 0.0
        for shape, share in expected.expected:
            milli, number, _ = shape.of_devices
            large = [left[p] for p in usable_devices(kinds, shape.of_devices.kind)]
            large = [one for one in large if one >= milli]
            fits = shape.cpu_milli <= cpu and shape.memory_mib <= memory
            if fits and len(large) >= number:
                useful += share * sum(large)
        stranded = max(0.0, total - expected.fed(cpu, memory))

        found = Outlook(expected, kinds).of(tuple(left)).waste(cpu, memory)

        assert found == pytest.approx(total - useful + stranded if total else 0, abs=1e-6)
