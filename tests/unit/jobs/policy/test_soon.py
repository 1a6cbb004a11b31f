"""What there will be, while what was asked to stop still runs."""

from __future__ import annotations

from pileus.jobs.policy.demand import Demand
from pileus.jobs.policy.placement import Placement
from pileus.jobs.policy.reservation import Reservations
from pileus.jobs.policy.soon import Soon
from pileus.jobs.policy.spaces import Fitting
from tests.unit.jobs.policy.building import NOW, free_of, lease, node, request

NODES = (node("a", cpu=4), node("b", cpu=4))
HELD = [lease(NODES[0], request(cpu=4)), lease(NODES[1], request(cpu=3))]


def soon() -> tuple[Soon, Placement, Reservations]:
    placement, reservations = Placement(Fitting(free_of(NODES, HELD)), Demand(())), Reservations()
    return Soon(placement, reservations), placement, reservations


class TestSpace:
    def test_it_is_what_is_free_and_what_leaves(self) -> None:
        found, placement, _ = soon()
        found.leave(HELD[0])

        spaces = [found.space(one.id) for one in NODES]

        assert [space and space.cpu_milli for space in spaces] == [4000, 1000]
        assert (found.leaving([NODES[0].id]), found.leaving([NODES[1].id])) == (1, 0)
        assert [space.cpu_milli for space in placement.free] == [0, 1000]

    def test_there_is_none_where_it_may_not_be_had(self) -> None:
        found, _, reservations = soon()
        reservations.keep(1, NOW, None)

        assert found.space("nod_gone") is None
        assert found.space(NODES[0].id, barred={0}) is None
        assert found.space(NODES[1].id) is None


class TestRoomy:
    def test_nodes_that_have_room_together(self) -> None:
        found, *_ = soon()
        found.leave(HELD[0])
        asked, both = request(cpu=1), (NODES[0].id, NODES[1].id)

        assert found.roomy(asked, 4, [], ()) == both[:1]
        assert found.roomy(asked, 5, [], ()) == ()
        assert found.roomy(asked, 5, [NODES[1].id], ()) == both
        assert found.has_room(asked, 5, both)
        assert not found.has_room(asked, 6, both)


class TestKeep:
    def test_what_is_beside_is_left_to_others(self) -> None:
        found, _, reservations = soon()

        found.keep(request(cpu=3), 1, [NODES[0].id], [HELD[0]])

        space = reservations.soon(0)
        assert space is not None
        assert space.cpu_milli == 1000
