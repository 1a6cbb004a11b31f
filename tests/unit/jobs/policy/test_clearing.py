"""Whose attempts make room for whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from pileus.core.schemas.jobs import Node
from pileus.core.schemas.quota import Stops
from pileus.jobs.policy.clearing import (
    PROTECTED_SECONDS,
    Claim,
    Clearing,
    clear,
    least_loss,
    may_stop,
)
from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.holdings import Holding
from pileus.jobs.policy.quota import Quotas, amounts_of, total
from tests.unit.jobs.policy.building import NOW, free_of, lease, node, request
from tests.unit.jobs.policy.test_quota import quota

LONG = PROTECTED_SECONDS * 10
NODE = node("a", cpu=40)


def holding(
    name: str,
    project: str = "b",
    *,
    cpu: int = 1,
    priority: int = 0,
    ran: float = LONG,
    price: int = 3600,
    on: Node = NODE,
) -> Holding:
    asked = request(cpu=cpu)
    held = lease(on, asked).model_copy(
        update={
            "project": project,
            "job": name,
            "priority": priority,
            "micro_per_hour": price,
            "created_at": NOW - timedelta(seconds=ran),
        }
    )
    return Holding((held,), amounts_of(asked), ran)


def claim(project: str = "a", *, cpu: int = 1, priority: int = 0, gang: int = 1) -> Claim:
    asked = request(cpu=cpu)
    return Claim(project, priority, asked, total([amounts_of(asked)] * gang), gang)


def quotas_of(holdings: list[Holding], **more: Any) -> Quotas:
    terms = {"reclaim": Stops.ANY, "preempt": Stops.LOWER} | more
    found = Quotas([quota("a", 4000, **terms), quota("b", 4000, **terms), quota("z", 0, **terms)])
    for one in holdings:
        found.take(one.project, one.amounts)
    return found


def cleared(
    wanted: Claim, holdings: list[Holding], *, nodes: tuple[Node, ...] = (NODE,), **more: Any
) -> Clearing | None:
    spaces = {x.node.id: x for x in free_of(nodes, [one.leases[0] for one in holdings])}
    shape = Shape.of(wanted.resources)
    roomy = tuple(id_ for id_, space in spaces.items() if space.fits(shape))[:1]
    in_order = sorted(holdings, key=least_loss)
    return clear(wanted, in_order, quotas_of(holdings, **more), roomy, spaces.get)


def names(found: Clearing | None) -> list[str] | None:
    return None if found is None else [one.job for one in found.victims]


class TestReclaim:
    def test_borrowed_quota_goes_back_at_the_least_loss(self) -> None:
        borrowers = [holding(f"b{n}", ran=LONG + n, price=100 - n) for n in range(8)]

        found = cleared(claim(), borrowers)

        least = min(borrowers, key=lambda one: one.lost_micro)
        assert names(found) == [least.job]

    def test_no_more_is_taken_than_a_project_borrows(self) -> None:
        assert names(cleared(claim(cpu=4), [holding(f"b{n}") for n in range(8)])) is not None
        within = [*(holding(f"b{n}") for n in range(4)), *(holding(f"z{n}", "z") for n in range(2))]

        assert names(cleared(claim(cpu=4), within)) == ["z0", "z1"]

    def test_who_would_borrow_reclaims_nothing(self) -> None:
        assert cleared(claim(cpu=5), [holding(f"b{n}") for n in range(8)]) is None

    def test_the_policy_says_of_whom(self) -> None:
        borrowers = [holding(f"b{n}", priority=5) for n in range(8)]

        assert cleared(claim(priority=9), borrowers, reclaim=Stops.NEVER) is None
        assert cleared(claim(priority=5), borrowers, reclaim=Stops.LOWER) is None
        assert names(cleared(claim(priority=6), borrowers, reclaim=Stops.LOWER)) == ["b0"]
        assert names(cleared(claim(priority=1), borrowers, reclaim=Stops.ANY)) == ["b0"]

    def test_what_has_just_started_makes_room_for_higher_priority_only(self) -> None:
        fresh = [holding(f"b{n}", ran=1) for n in range(8)]

        assert cleared(claim(), fresh) is None
        assert names(cleared(claim(priority=1), fresh)) == ["b0"]

    def test_without_a_cohort_in_common_nothing_is_reclaimed(self) -> None:
        terms = {"reclaim": Stops.ANY}
        apart = Quotas([quota("a", 9, cohort=None, **terms), quota("b", 0, cohort=None, **terms)])
        together = Quotas([quota("a", 9999, **terms), quota("b", 0, **terms)])

        assert not may_stop(claim(), [holding("b0")], apart)
        assert may_stop(claim(), [holding("b0")], together)
        assert not may_stop(claim("stranger"), [holding("b0")], together)


class TestPreempt:
    def test_lower_priority_of_the_project_makes_room_for_higher(self) -> None:
        own = [holding(f"a{n}", "a", priority=n, ran=1) for n in range(4)]
        rest = [holding(f"b{n}") for n in range(4)]

        assert names(cleared(claim(priority=9, cpu=2), own + rest)) == ["a0", "a1"]
        assert cleared(claim(priority=0), own + rest) is None
        assert cleared(claim(priority=9), own + rest, preempt=Stops.NEVER) is None

    def test_what_the_room_does_not_need_is_spared(self) -> None:
        own = [holding("small", "a", cpu=1), holding("large", "a", cpu=3, ran=LONG * 9)]
        rest = [holding(f"b{n}") for n in range(4)]

        assert names(cleared(claim(priority=9, cpu=3), own + rest)) == ["large"]


class TestRoom:
    def test_one_node_is_cleared_and_not_a_part_of_two(self) -> None:
        left, right = node("left", cpu=2), node("right", cpu=2)
        own = [
            holding("l0", "a", on=left, ran=LONG),
            holding("l1", "a", on=left, ran=LONG * 5),
            holding("r0", "a", on=right, ran=LONG * 2),
            holding("r1", "a", on=right, ran=LONG * 2),
        ]

        found = cleared(claim(priority=1, cpu=2), own, nodes=(left, right))

        assert found is not None
        assert (found.nodes, names(found)) == ((right.id,), ["r0", "r1"])

    def test_a_node_too_small_is_not_cleared(self) -> None:
        small = node("small", cpu=1)

        assert (
            cleared(claim(priority=1, cpu=2), [holding("s", "a", on=small)], nodes=(small,)) is None
        )


class TestGang:
    def test_room_is_made_on_several_nodes_beside_what_is_free(self) -> None:
        nodes = left, middle, right = tuple(node(name, cpu=2) for name in ("l", "m", "r"))
        own = [
            holding("l0", "a", cpu=2, on=left),
            holding("m0", "a", cpu=2, on=middle, ran=LONG / 2),
        ]
        spaces = {x.node.id: x for x in free_of(nodes, [one.leases[0] for one in own])}
        wanted = claim(priority=1, cpu=2, gang=2)

        in_order = sorted(own, key=least_loss)
        found = clear(wanted, in_order, quotas_of(own), (), spaces.get, [right.id])

        assert found is not None
        assert (sorted(found.nodes), names(found)) == ([middle.id, right.id], ["m0"])
        assert [space.cpu_milli for space in spaces.values()] == [0, 0, 2000]

    def test_all_of_it_or_nobody_is_stopped(self) -> None:
        nodes = tuple(node(name, cpu=2) for name in ("l", "r"))
        own = [
            holding("l0", "a", cpu=2, on=nodes[0]),
            holding("r0", "a", cpu=2, on=nodes[1], priority=1),
        ]

        assert cleared(claim(priority=1, cpu=2, gang=2), own, nodes=nodes) is None
        both = cleared(claim(priority=2, cpu=2, gang=2), own, nodes=nodes)
        assert names(both) == ["l0", "r0"]

    def test_a_gang_that_is_stopped_leaves_all_of_its_nodes(self) -> None:
        nodes = tuple(node(name, cpu=2) for name in ("l", "r"))
        parts = [holding("gang", "a", cpu=2, on=on) for on in nodes]
        whole = Holding(
            (parts[0].leases[0], parts[1].leases[0]),
            total(part.amounts for part in parts),
            LONG,
        )
        spaces = {x.node.id: x for x in free_of(nodes, whole.leases)}

        found = clear(claim(priority=1, cpu=2, gang=2), [whole], quotas_of([whole]), (), spaces.get)

        assert found is not None
        assert (sorted(found.nodes), names(found)) == ([nodes[0].id, nodes[1].id], ["gang"])


HELD = st.lists(
    st.builds(
        lambda project, cpu, priority, ran, on: (project, cpu, priority, ran, on),
        st.sampled_from("abz"),
        st.integers(1, 2),
        st.integers(0, 2),
        st.sampled_from([1.0, LONG, LONG * 2]),
        st.booleans(),
    ),
    max_size=8,
)


def test_what_cannot_be_spared_is_stopped_though_its_project_borrows_no_more() -> None:
    nodes = (node("n0", cpu=3), node("n1", cpu=4))
    held = [("a", 1, 0), ("b", 1, 0), ("b", 1, 0), ("b", 1, 1), ("b", 1, 1), ("b", 2, 1)]
    holdings = [
        holding(f"j{number}", project, cpu=cpu, ran=LONG if number == 4 else 1.0, on=nodes[on])
        for number, (project, cpu, on) in enumerate(held)
    ]

    found = cleared(claim(cpu=3, priority=1), holdings, nodes=nodes)

    assert names(found) == ["j3", "j5"]
    assert found.nodes == (nodes[1].id,)


@given(HELD, st.integers(1, 4), st.integers(0, 3), st.permutations(range(8)))
def test_what_is_stopped_may_be_is_enough_and_is_needed(held, cpu, priority, order) -> None:
    nodes = (node("n0", cpu=4), node("n1", cpu=4))
    holdings = [
        holding(f"j{number}", project, cpu=amount, priority=level, ran=ran, on=nodes[on])
        for number, (project, amount, level, ran, on) in enumerate(held)
    ]
    spaces = {x.node.id: x for x in free_of(nodes, [one.leases[0] for one in holdings])}
    assume(all(space.cpu_milli >= 0 for space in spaces.values()))
    wanted = claim(cpu=cpu, priority=priority)
    quotas = quotas_of(holdings)
    before = {name: quotas.used(name, "cpu_milli") for name in "abz"}

    found = cleared(wanted, holdings, nodes=nodes)

    shuffled = [holdings[number] for number in order if number < len(holdings)]
    assert cleared(wanted, shuffled, nodes=nodes) == found
    if found is None:
        return
    assert may_stop(wanted, found.victims, quotas) == list(found.victims)

    def is_enough(victims) -> bool:
        rest = [one for one in holdings if one not in victims]
        space = next(
            x for x in free_of(nodes, [one.leases[0] for one in rest]) if x.node.id in found.nodes
        )
        has_quota = quotas_of(rest).lacking("a", wanted.amounts) is None
        return has_quota and space.fits(Shape.of(wanted.resources))

    assert is_enough(found.victims)
    for one in found.victims:
        assert not is_enough([other for other in found.victims if other is not one])
    left = quotas_of([one for one in holdings if one not in found.victims])
    for name in "bz":  # nobody else is left with less than its nominal quota, or than it had
        largest = max((one.amounts["cpu_milli"] for one in found.victims), default=0)
        nominal = quotas.of[name].limits["cpu_milli"].nominal
        assert left.used(name, "cpu_milli") > min(before[name], nominal) - largest - 1


@given(HELD, st.integers(1, 4), st.integers(0, 2))
def test_who_was_stopped_can_not_stop_who_took_its_place(held, cpu, priority) -> None:
    nodes = (node("n0", cpu=64),)
    holdings = [
        holding(f"j{number}", project, cpu=amount, priority=level, ran=ran, on=nodes[0])
        for number, (project, amount, level, ran, _) in enumerate(held)
    ]
    wanted = claim(cpu=cpu, priority=priority)
    found = cleared(wanted, holdings, nodes=nodes)
    if found is None:
        return
    rest = [one for one in holdings if one not in found.victims]
    winner = holding("winner", "a", cpu=cpu, priority=priority, ran=LONG, on=nodes[0])
    after = quotas_of([*rest, winner])
    for one in found.victims:
        again = Claim(one.project, one.priority, one.leases[0].resources, one.amounts)
        is_taken_back = may_stop(again, [winner], after) and after.is_borrowing("a", ["cpu_milli"])
        assert not is_taken_back or one.project == "a"
        assert not (one.project == "a" and may_stop(again, [winner], after))
