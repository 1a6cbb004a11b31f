from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.devices import Devices
from pileus.jobs.policy.free import Free
from tests.unit.jobs.policy.building import REQUESTS, free_of, lease, node, request


class TestTake:
    def test_what_leases_of_the_node_hold_is_not_free(self) -> None:
        there, elsewhere = node("a", kinds="t4 t4", custom={"fpga": 2}), node("b")
        held = [
            lease(there, request(cpu=2, memory_mib=192, gpu=0.25, custom={"fpga": 1}), "a1"),
            lease(elsewhere, request(cpu=4)),
        ]

        free, untouched = free_of([there, node("c")], held)

        assert (free.cpu_milli, free.memory_mib, free.left) == (6000, 8000, (1000, 750))
        assert (untouched.node.name, untouched.cpu_milli) == ("c", 8000)
        assert free.fits(Shape.of(request(custom={"fpga": 1})))
        assert not free.fits(Shape.of(request(custom={"fpga": 2})))

    def test_a_device_that_is_gone_is_held_by_nobody_else(self) -> None:
        there = node("a", kinds="t4")

        (free,) = free_of([there], [lease(there, request(gpu=1), "gone")])

        assert free.left == (1000,)


class TestFits:
    @pytest.mark.parametrize(
        "wanted, does",
        [
            ({"cpu": 8}, True),
            ({"cpu": 8.5}, False),
            ({"memory_mib": 8192}, True),
            ({"memory_mib": 8193}, False),
            ({"gpu": 0.5}, True),
            ({"gpu": 2}, False),
            ({"gpu": 1, "gpu_kind": "a100"}, False),
            ({"custom": {"fpga": 1}}, False),
        ],
    )
    def test_all_of_it_has_to_be_there(self, wanted: dict[str, object], *, does: bool) -> None:
        assert Free(node(kinds="t4")).fits(Shape.of(request(**wanted))) is does


class TestChoices:
    def test_ways_that_leave_the_node_alike_are_told_once(self) -> None:
        there = node("a", kinds="t4 t4 t4 a100")
        (free,) = free_of([there], [lease(there, request(gpu=0.5), "a1")])

        assert set(free.choices(Devices(250, 1, None), (0, 1, 2, 3))) == {(0,), (1,), (3,)}

    def test_whole_devices_are_the_first_that_nobody_shares(self) -> None:
        there = node("a", kinds="t4 t4 t4")
        (free,) = free_of([there], [lease(there, request(gpu=0.5), "a0")])

        assert free.choices(Devices(1000, 2, None), (0, 1, 2)) == [(1, 2)]
        assert free.choices(Devices(1000, 3, None), (0, 1, 2)) == []
        assert free.choices(Devices(0, 0, None), (0, 1, 2)) == [()]


class TestHolds:
    @given(REQUESTS, st.integers(0, 5))
    def test_so_many_can_be_taken_one_after_the_other_and_no_more(self, asked, most) -> None:
        space = Free(node(kinds="a100 a100 t4"))
        shape = Shape.of(asked)

        number = space.holds(shape, most)

        for _ in range(number):
            assert space.fits(shape)
            way = min(space.ways(shape.of_devices))
            devices = space.node.capacity.devices
            space.take(asked, [devices[place].id for place in way.places])
        assert number == most or not space.fits(shape)
