"""Ranks, what they follow from, and that none of them starves a job."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.jobs.plan import Carry, Policy, PoolSnapshot
from pileus.jobs.policy import ordering as module
from pileus.jobs.policy.demand import Asked, Shape
from pileus.jobs.policy.ending import likeness_of
from pileus.jobs.policy.ordering import (
    AGEING,
    AGEING_LEAST,
    AGEING_MOST,
    LEAST_SECONDS,
    STEPS,
    Going,
    Order,
    Ranks,
    Turn,
    expected,
    size_of,
    standing,
)
from pileus.jobs.policy.prediction import ENOUGH, History, Likeness
from pileus.jobs.scheduler import decide, in_order
from tests.unit.jobs.policy.building import NOW, by_node, lease, node, request
from tests.unit.jobs.test_scheduler import make_job

ONE = Likeness("p", "c", "gpu=1")
SHAPE = Shape.of(request())
SECONDS = st.lists(st.floats(1, 1e6), max_size=30)


def taught(*seconds: float, likeness: Likeness = ONE) -> History:
    history = History()
    for each in seconds:
        history.learn(likeness, each)
    return history


class TestSize:
    @pytest.mark.parametrize(
        "asked, size",
        [
            ({"cpu": 1, "gpu": 2}, 2),
            ({"cpu": 1, "gpu": 0.25}, 0.25),
            ({"cpu": 16}, 2),
            ({"cpu": 1, "memory_mib": 3 * 65_536}, 3),
        ],
    )
    def test_it_is_the_largest_of_what_is_asked(self, asked: dict[str, Any], size: float) -> None:
        assert size_of(Shape.of(request(**asked))) == size


class TestExpected:
    def test_alike_durations_leave_about_what_is_left_of_them(self) -> None:
        assert expected((1000.0,) * 60, (), 400) == pytest.approx(600, rel=0.05)

    def test_a_good_chance_to_end_soon_goes_before_the_mean(self) -> None:
        ended = (100.0,) * 30 + (100_000.0,) * 30

        assert expected(ended, (), 0) == pytest.approx(200, rel=0.1)  # 100 s each, and half end

    def test_what_runs_on_says_that_jobs_are_longer(self) -> None:
        ended = (600.0,) * ENOUGH

        assert expected(ended, (7000.0,) * 30, 0) > 3 * expected(ended, (), 0)
        assert expected(ended, (599.0,) * 30, 0) == expected(ended, (), 0)

    def test_with_nothing_known_it_is_what_was_attained(self) -> None:
        assert expected((), (), 5000) == 5000
        assert expected((10.0, 20.0), (9.0, 6000.0), 5000) == 5000

    @given(SECONDS, SECONDS, st.floats(0, 1e6))
    def test_more_that_runs_on_never_makes_it_sooner_than_it_can_be(
        self, ended: list[float], going: list[float], ran: float
    ) -> None:
        found = expected(sorted(ended), sorted(going), ran)

        assert LEAST_SECONDS <= found < math.inf
        assert found >= expected(sorted(ended), (), ran) * (1 - 1e-9)


class TestStanding:
    def test_jobs_that_never_ran_are_equal_where_nothing_is_known(self) -> None:
        assert len({standing(None, size, 0.0) for size in (0.1, 1, 64)}) == 1

    @given(st.floats(0, 1e7), st.floats(0, 1e7), st.floats(0.1, 64))
    def test_who_had_more_never_goes_before(self, one: float, other: float, size: float) -> None:
        less, more = sorted((one, other))

        assert standing(None, size, less).level <= standing(None, size, more).level

    def test_what_differs_by_little_is_equal(self) -> None:
        levels = [standing(seconds, 1, 0).level_after(0) for seconds in (1000.0, 1020.0, 1250.0)]

        assert levels[0] == levels[1] < levels[2]

    @given(st.none() | st.floats(60, 1e8), st.floats(0.1, 64), st.floats(0, 1e8))
    def test_none_is_put_off_for_ever(self, seconds: float | None, size: float, ran: float) -> None:
        stands = standing(seconds, size, ran)

        halved_after = STEPS / stands.ageing
        assert AGEING_LEAST <= halved_after <= AGEING_MOST * (1 + 1e-9)
        assert stands.level_after(halved_after * (stands.level / STEPS + 1)) == 0

    @given(st.floats(60, 1e8), st.floats(0.1, 64), st.floats(0, 1e9), st.floats(0, 1e9))
    def test_who_of_those_alike_came_first_is_never_behind(
        self, seconds: float, size: float, one: float, other: float
    ) -> None:
        stands, (less, more) = standing(seconds, size, 0.0), sorted((one, other))

        assert stands.level_after(more) <= stands.level_after(less)


class TestRanks:
    def test_too_few_ended_jobs_are_not_believed(self) -> None:
        assert Ranks().seconds(taught(*[900.0] * (ENOUGH - 1)), ONE, 0.0, 0.0) is None
        assert Ranks().seconds(taught(*[900.0] * ENOUGH), ONE, 0.0, 0.0) is not None

    def test_what_runs_alone_teaches_nothing(self) -> None:
        ranks = Ranks()
        ranks.going.begin(ONE, 0.0)

        assert ranks.seconds(History(), ONE, 0.0, 1e6) is None

    @given(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from(["learn", "begin", "end", "look"])),
            max_size=60,
        )
    )
    def test_what_it_keeps_changes_nothing(self, steps: list[tuple[str, str]]) -> None:
        history, ranks, now = taught(*[900.0] * ENOUGH), Ranks(), 0.0
        running: list[tuple[Likeness, float]] = []
        for project, step in steps:
            now += 50.0
            likeness = ONE._replace(project=project)
            if step == "learn":
                history.learn(likeness, now)
            elif step == "begin":
                ranks.going.begin(likeness, now)
                running.append((likeness, now))
            elif step == "end" and running:
                ranks.going.end(*running.pop(0))
            anew = Ranks()
            for one in running:
                anew.going.begin(*one)
            for ran in (0.0, 500.0):
                assert ranks.seconds(history, likeness, ran, now) == anew.seconds(
                    history, likeness, ran, now
                )

    def test_groups_beyond_those_kept_are_looked_at_anew(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "GROUPS", 1)
        history, ranks = History(), Ranks()
        for code, seconds in (("c", 90.0), ("d", 9000.0)) * ENOUGH:
            history.learn(ONE._replace(code_digest=code), seconds)

        found = [ranks.seconds(history, ONE._replace(code_digest=c), 0, 0) for c in "cdcd"]

        assert found[:2] == found[2:]
        assert found[0] < found[1]


class TestGoing:
    def test_leases_are_followed(self) -> None:
        a, b = node("a"), node("b")
        likeness = likeness_of("prj_1", None, SHAPE)
        group, at = likeness.groups[0], NOW.timestamp()
        going = Going()
        one = lease(a, request())
        other = lease(b, request()).model_copy(
            update={"job": "job_y", "created_at": NOW - timedelta(seconds=50)}
        )
        going.update(by_node([one, other]))
        assert going.attained(group, at + 10) == [10, 60]

        state = going.state[group]
        renewed = one.model_copy(update={"expires_at": NOW + timedelta(seconds=99)})
        going.update(by_node([renewed, other]))
        assert going.state[group] == state

        again = one.model_copy(update={"created_at": NOW + timedelta(seconds=5)})
        going.update(by_node([again]))
        assert going.attained(group, at + 10) == [5]
        assert going.attained(group, at) == []

        going.update({})
        assert going.attained(group, at + 10) == []
        assert going.state == {}


class TestOrder:
    def test_those_put_off_for_long_go_by_submission_and_priority_before_all(self) -> None:
        history = History()
        for code, seconds in (("short", 90.0), ("long", 1e6)) * ENOUGH:
            history.learn(likeness_of("p", code, SHAPE), seconds)
        order = Order(Ranks(), history, {}, NOW, {}, by_rank=True)

        def at(job: str, code: str, age: float, priority: int = 0) -> Turn:
            created_at = NOW - timedelta(seconds=age)
            return order.alike("p", code, Asked(SHAPE), 0.0).turn(priority, created_at, job)

        assert sorted(
            [
                at("new_long", "long", 9),
                at("new_short", "short", 1),
                at("old_long", "long", 20 * AGEING_MOST),
                at("old_short", "short", 5 * AGEING_LEAST),
                at("pressing", "long", 1, priority=1),
            ],
        ) == [
            at("pressing", "long", 1, priority=1),
            at("old_long", "long", 20 * AGEING_MOST),
            at("old_short", "short", 5 * AGEING_LEAST),
            at("new_short", "short", 1),
            at("new_long", "long", 9),
        ]

    def test_a_job_does_not_wait_while_it_runs(self) -> None:
        order = Order(Ranks(), History(), {}, NOW, {}, by_rank=True)
        ran = AGEING_MOST

        alike = order.alike("p", "c", Asked(SHAPE), ran)

        fresh = alike.turn(0, NOW - timedelta(seconds=ran + 10), "job_1")
        old = alike.turn(0, NOW - timedelta(seconds=ran + 40 * AGEING_MOST), "job_1")
        assert fresh.level == math.floor(alike.standing.level)
        assert old.level == 0

    def test_without_ranks_only_priority_and_submission_count(self) -> None:
        history = History()
        for code, seconds in (("short", 90.0), ("long", 1e6)) * ENOUGH:
            history.learn(likeness_of("p", code, SHAPE), seconds)
        order = Order(Ranks(), history, {}, NOW, {}, by_rank=False)

        created_at = NOW - timedelta(days=9)
        found = {
            order.alike("p", code, Asked(SHAPE), ran).turn(3, created_at, "job_1")
            for code in ("short", "long")
            for ran in (0.0, 900.0)
        }

        assert found == {Turn(-3, 0, created_at, "job_1")}


class TestDecide:
    """The order as decisions keep it."""

    def pool(self, chance: random.Random) -> tuple[PoolSnapshot, History]:
        history = History()
        for code, seconds in (("short", 90.0), ("long", 9000.0)) * ENOUGH:
            history.learn(likeness_of("prj_1", code, SHAPE), seconds)
        queue = [
            make_job(
                number, age=chance.choice((0, 5, 4000, 10**7)), priority=chance.choice((0, 0, 1))
            ).model_copy(update={"code_digest": chance.choice(("short", "long", "new"))})
            for number in range(8)
        ]
        a, b = node("a", cpu=1), node("b", cpu=2)
        began = NOW - timedelta(seconds=700)
        held = lease(b, request()).model_copy(update={"created_at": began, "code_digest": "short"})
        ran = {job.id: 500.0 for job in queue if chance.random() < 0.2}
        pool = PoolSnapshot(now=NOW, nodes=[a, b], held=by_node([held]), queue=queue, ran=ran)
        return pool, history

    @given(st.integers(0, 2**32))
    def test_neither_the_order_of_the_input_nor_what_is_kept_changes_it(self, seed: int) -> None:
        chance = random.Random(seed)
        kept = Carry(History())
        for _ in range(3):
            pool, history = self.pool(chance)
            kept = replace(kept, history=history)
            shuffled = replace(pool, queue=chance.sample(pool.queue, len(pool.queue)))

            assert in_order(pool, Carry(history)) == in_order(shuffled, kept)
            assert decide(pool, Carry(history)).nodes == decide(shuffled, kept).nodes

    @given(st.integers(0, 2**32))
    def test_priority_comes_first_and_without_knowledge_submission(self, seed: int) -> None:
        pool, history = self.pool(random.Random(seed))

        priorities = [job.priority for job in in_order(pool, Carry(history))]
        assert priorities == sorted(priorities, reverse=True)

        never_ran = replace(pool, ran={})
        by_submission = sorted(pool.queue, key=lambda job: (-job.priority, job.created_at, job.id))
        assert in_order(never_ran, Carry(History())) == by_submission
        assert in_order(pool, Carry(history), Policy(by_rank=False)) == by_submission

    def test_the_job_that_is_expected_to_end_first_starts_first(self) -> None:
        pool, history = self.pool(random.Random(0))
        jobs = [
            make_job(number, age=9 - number).model_copy(update={"code_digest": code})
            for number, code in enumerate(("long", "short"))
        ]
        pool = replace(pool, nodes=[node("a", cpu=1)], queue=jobs, ran={}, held={})

        assert list(decide(pool, Carry(history)).nodes) == ["job_0001"]
        assert list(decide(pool, Carry(History())).nodes) == ["job_0000"]

    def test_however_many_short_jobs_come_a_long_one_has_its_turn(self) -> None:
        pool, history = self.pool(random.Random(0))
        long = make_job(0, age=0).model_copy(update={"code_digest": "long"})
        waited = 0.0
        most = 10 * AGEING * 9000  # ten halvings
        while waited <= most:
            now = NOW + timedelta(seconds=waited)
            short = make_job(1).model_copy(update={"code_digest": "short", "created_at": now})
            pool = replace(
                pool, now=now, nodes=[node("a", cpu=1)], queue=[short, long], held={}, ran={}
            )
            if "job_0000" in decide(pool, Carry(history)).nodes:
                break
            waited += 3600.0

        assert 9000 <= waited <= most
