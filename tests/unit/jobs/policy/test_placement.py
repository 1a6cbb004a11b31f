from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.core.schemas.jobs import Lease, Node
from pileus.core.schemas.resources import Resources
from pileus.jobs.policy import placement as module
from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.free import Free
from pileus.jobs.policy.placement import Placement, Spot
from pileus.jobs.policy.spaces import Fitting
from tests.unit.jobs.policy.building import REQUESTS, demand, free_of, lease, node, request

NODES = [
    node("a", cpu=8, kinds="t4 t4"),
    node("b", cpu=16, memory=4096, kinds="a100 t4"),
    node("c", cpu=4),
    node("d", cpu=8, kinds="t4 t4"),
]


def placement(*nodes: Node, expects: tuple[Resources, ...] = ()) -> Placement:
    return Placement(Fitting(Free(one) for one in nodes), demand(*expects))


class TestBest:
    def test_a_fraction_goes_where_it_leaves_a_whole_device_for_who_wants_one(self) -> None:
        there = node("a", kinds="t4 t4")
        shared = free_of([there], [lease(there, request(gpu=0.5), "a1")])
        found = Placement(Fitting(shared), demand(request(gpu=1), request(gpu=0.5)))

        assert found.best(Shape.of(request(gpu=0.5))) == Spot(0, ("a1",))

    def test_a_job_without_a_gpu_leaves_gpus_the_processors_they_need(self) -> None:
        scarce = node("a", cpu=4, kinds="t4")
        found = placement(scarce, node("b", cpu=8), expects=(request(cpu=4, gpu=1),))

        assert found.best(Shape.of(request(cpu=2))) == Spot(1, ())

    def test_of_equal_places_the_fuller_node_is_taken_and_then_the_first_name(self) -> None:
        found = placement(node("b", cpu=4), node("a", cpu=4), node("c", cpu=3))
        order = []
        for _ in range(5):
            spot = found.best(Shape.of(request(cpu=2)))
            assert spot is not None
            found.take(spot, request(cpu=2))
            order.append(found.free[spot.number].node.name)

        assert order == ["c", "a", "a", "b", "b"]
        assert found.best(Shape.of(request(cpu=2))) is None

    def test_nodes_that_are_spoken_for_are_left_alone(self) -> None:
        found = placement(node("a", cpu=2), node("b", cpu=4))

        assert found.best(Shape.of(request()), without={0}) == Spot(1, ())
        assert found.best(Shape.of(request()), without={0, 1}) is None

    def test_without_nodes_there_is_no_place(self) -> None:
        assert placement().best(Shape.of(request())) is None


class TestMemory:
    @given(
        st.lists(REQUESTS, min_size=1, max_size=25),
        st.lists(REQUESTS, max_size=6),
        st.randoms(use_true_random=False),
    )
    def test_what_is_remembered_and_the_order_of_nodes_change_no_answer(
        self, requests: list[Resources], expects: list[Resources], chance: random.Random
    ) -> None:
        remembering = placement(*NODES, expects=tuple(expects))
        held: list[Lease] = []
        for wanted in requests:
            spot = remembering.best(Shape.of(wanted))
            shuffled = chance.sample(NODES, len(NODES))
            fresh = Placement(Fitting(free_of(shuffled, held)), demand(*expects))

            assert fresh.best(Shape.of(wanted)) == spot
            if spot is not None:
                remembering.take(spot, wanted)
                held.append(lease(remembering.free[spot.number].node, wanted, *spot.devices))
                if chance.random() < 0.3:
                    remembering.give(spot, wanted)
                    held.pop()
        for space in remembering.free:
            assert min((space.cpu_milli, space.memory_mib, *space.left)) >= 0

    def test_shapes_beyond_those_kept_are_ranked_anew(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MOST_SHAPES", 1)
        found = placement(node("a", cpu=4), node("b", cpu=4))
        small, large = request(cpu=1), request(cpu=3)
        for wanted in (small, large, small):
            spot = found.best(Shape.of(wanted))
            assert spot is not None
            found.take(spot, wanted)

        assert found.best(Shape.of(large)) == Spot(1, ())
