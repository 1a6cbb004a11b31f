"""What is kept from one decision to the next makes them faster, and changes none."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pileus.jobs.plan import NO_POLICY, Carry, Policy
from pileus.jobs.policy import spaces as module
from pileus.jobs.policy.demand import Asked, Shape
from pileus.jobs.policy.free import Free
from pileus.jobs.policy.prediction import History as Runtimes
from pileus.jobs.policy.spaces import Fitting, Spaces
from pileus.jobs.scheduler import decide
from tests.unit.jobs.histories import QUOTAS, History
from tests.unit.jobs.policy.building import by_node, free_of, lease, node, request


class TestSpaces:
    @pytest.mark.parametrize("policy", [NO_POLICY, QUOTAS])
    @settings(deadline=None, max_examples=40)
    @given(seed=st.integers(0, 2**32))
    def test_a_memory_changes_no_decision(self, policy: Policy, seed: int) -> None:
        history = History(random.Random(seed))
        remembering = Carry(Runtimes())
        for pool in history.pools(12):
            plan = decide(pool, remembering, policy)

            assert plan == decide(pool, Carry(Runtimes()), policy)
            history.apply(plan)

    @settings(deadline=None, max_examples=40)
    @given(seed=st.integers(0, 2**32))
    def test_what_is_left_is_what_leases_leave(self, seed: int) -> None:
        history = History(random.Random(seed))
        spaces = Spaces()
        for pool in history.pools(12):
            spaces.update(pool.nodes, pool.held)

            anew = {space.node.id: space for space in free_of(pool.nodes, pool.leases)}
            assert spaces.now.spaces.keys() == spaces.idle.spaces.keys() == anew.keys()
            for name, space in spaces.now.spaces.items():
                assert space.node is anew[name].node
                assert space.is_alike(anew[name])
                assert spaces.idle.spaces[name].is_alike(Free(anew[name].node))
            history.apply(decide(pool))

    def test_what_leases_hold_is_counted_on_silent_nodes_too(self) -> None:
        there, silent = node("a"), node("b")
        spaces = Spaces()
        held = by_node([lease(there, request(cpu=2)), lease(silent, request(cpu=2))])
        spaces.update([there], held)

        assert spaces.asked == {Shape.of(request(cpu=2)): 2}
        spaces.update([there], by_node([lease(there, request(cpu=2))]))
        assert spaces.asked == {Shape.of(request(cpu=2)): 1}
        assert spaces.held_on(silent.id) == ()


class TestFitting:
    def test_shapes_beyond_those_kept_are_looked_for_anew(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MOST_SHAPES", 1)
        small, large = Shape.of(request(cpu=1)), Shape.of(request(cpu=8))
        found = Fitting([Free(node("a"))])
        assert found.on(large) == {"nod_a"}
        assert found.on(small) == {"nod_a"}

        found.put(Free(node("a", cpu=2)))

        assert found.on(large) == set()

    def test_of_too_many_shapes_only_what_is_plain_is_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        beside = Shape.of(request(cpu=8, memory_mib=8000))
        apart = [node("a", cpu=8, memory=100), node("b", cpu=1, memory=8000)]
        found = Fitting(map(Free, apart))
        assert found.may_hold([Asked(beside)]) == set()

        monkeypatch.setattr(module, "MOST_SHAPES", 0)

        assert found.may_hold([Asked(beside)]) == {Asked(beside)}
        assert found.may_hold([Asked(Shape.of(request(cpu=9)))]) == set()
        assert Fitting().may_hold([Asked(beside)]) == set()

    def test_a_gang_needs_room_for_all_of_its_members(self) -> None:
        found = Fitting([Free(node("a", cpu=4)), Free(node("b", cpu=2, kinds="t4 t4"))])
        shape, gpu = Shape.of(request(cpu=2)), Shape.of(request(cpu=0.5, gpu=0.5))

        asked = [Asked(shape, 3), Asked(shape, 4), Asked(gpu, 4), Asked(gpu, 5)]

        assert found.may_hold(asked) == {Asked(shape, 3), Asked(gpu, 4)}
