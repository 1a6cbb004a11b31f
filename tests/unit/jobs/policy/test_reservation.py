"""Who may pass a job that waits."""

from __future__ import annotations

from datetime import timedelta

from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.free import Free
from pileus.jobs.policy.placement import Spot
from pileus.jobs.policy.reservation import End, Reservations, beside, earliest
from tests.unit.jobs.policy.building import NOW, free_of, lease, node, request

SOON, LATE = NOW + timedelta(seconds=10), NOW + timedelta(seconds=20)


def kept(at, left: int) -> Reservations:
    found = Reservations()
    found.keep(0, at, Free(node(cpu=left)))
    return found


class TestShut:
    def test_who_ends_in_time_passes_and_who_fits_beside(self) -> None:
        small, large = Shape.of(request(cpu=1)), Shape.of(request(cpu=2))
        reservations = kept(SOON, 1)

        assert reservations.shut(large, LATE) == {0}
        assert reservations.shut(large, None) == {0}
        assert reservations.shut(large, SOON) == set()
        assert reservations.shut(small, None) == set()

    def test_who_passes_and_stays_leaves_less_to_the_next(self) -> None:
        reservations = kept(SOON, 1)

        reservations.take(Spot(0, ()), request(cpu=1), SOON)
        assert reservations.shut(Shape.of(request(cpu=1)), None) == set()
        reservations.take(Spot(0, ()), request(cpu=1), None)
        assert reservations.shut(Shape.of(request(cpu=1)), None) == {0}

    def test_without_a_time_nobody_is_gone_before(self) -> None:
        assert kept(None, 0).shut(Shape.of(request(cpu=1)), SOON) == {0}

    def test_a_node_kept_whole_is_shut(self) -> None:
        reservations = Reservations()
        reservations.keep(3, None, None)

        assert reservations.shut(Shape.of(request()), SOON) == {3}
        assert reservations.soon(3) is None


class TestBeside:
    def test_the_devices_that_are_busy_now_are_the_ones_that_are_kept(self) -> None:
        on = node("a", kinds="t4 t4")
        [now] = free_of([on], [lease(on, request(gpu=1), "a0")])

        rest = beside(Free(on), now, request(gpu=1))

        assert rest.left == (0, 1000)
        reservations = Reservations()
        reservations.keep(0, LATE, rest)
        assert reservations.permits(Spot(0, ("a1",)), request(gpu=1), None)
        assert not reservations.permits(Spot(0, ("a0",)), request(gpu=1), None)
        assert reservations.permits(Spot(0, ("a0",)), request(gpu=1), SOON)


class TestEarliest:
    def test_the_first_end_that_makes_room_for_all_of_a_gang(self) -> None:
        nodes = [node("a", cpu=4), node("b", cpu=4)]
        held = [
            lease(on, request(cpu=3)).model_copy(update={"job": f"job_{on.name}"}) for on in nodes
        ]
        now = dict(enumerate(free_of(nodes, held)))
        ends = [End(LATE, 1, held[1]), End(SOON, 0, held[0])]

        alone = earliest(request(cpu=4), 1, now, ends)
        both = earliest(request(cpu=4), 2, now, ends)

        assert alone is not None
        assert (alone.at, alone.last.job, list(alone.later)) == (SOON, "job_a", [0])
        assert both is not None
        assert (both.at, both.last.job, sorted(both.later)) == (LATE, "job_b", [0, 1])
        assert [space.cpu_milli for space in both.later.values()] == [0, 0]
        assert earliest(request(cpu=4), 3, now, ends) is None
        assert [space.cpu_milli for space in now.values()] == [1000, 1000]

    def test_room_that_is_there_counts_and_few_nodes_are_kept(self) -> None:
        nodes = [node("a", cpu=8), node("b", cpu=1), node("c", cpu=2)]
        held = [lease(nodes[0], request(cpu=6))]
        now = dict(enumerate(free_of(nodes, held)))

        found = earliest(request(cpu=1), 8, now, [End(SOON, 0, held[0])])

        assert found is not None
        assert list(found.later) == [0]


class TestGive:
    def test_what_did_not_start_after_all_leaves_what_there_was(self) -> None:
        reservations = kept(SOON, 1)

        reservations.take(Spot(0, ()), request(cpu=1), None)
        reservations.give(Spot(0, ()), request(cpu=1), None)

        assert reservations.shut(Shape.of(request(cpu=1)), None) == set()
