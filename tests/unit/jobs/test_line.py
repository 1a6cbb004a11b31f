"""Which of many waiting jobs a decision is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.jobs import line as module
from pileus.jobs.line import Lane, Line, Waiter
from pileus.jobs.policy.demand import Asked, Shape
from pileus.jobs.policy.ending import likeness_of
from pileus.jobs.policy.ordering import Order, Ranks, Turn
from pileus.jobs.policy.prediction import ENOUGH, History

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SMALL, LARGE, HUGE = (Asked(Shape.plain(cpu, 100, 0)) for cpu in (1000, 4000, 64_000))


def waiter(
    job: str,
    asked: Asked,
    *,
    age: float = 0.0,
    project: str = "prj_1",
    priority: int = 0,
    code: str = "c",
    ran: float = 0.0,
) -> Waiter:
    lane = Lane(priority, project, code, asked, asked.shape, ran)
    return Waiter(NOW - timedelta(seconds=age), job, lane)


def line(*waiting: tuple[str, Asked], age: float = 0.0, project: str = "prj_1") -> Line:
    found = Line()
    for number, (job, asked) in enumerate(waiting):
        found.put(waiter(job, asked, age=age - number / 1000, project=project))
    return found


def order(history: History | None = None, *, by_rank: bool = True) -> Order:
    return Order(Ranks(), history or History(), {}, NOW, {}, by_rank=by_rank)


def knowing(**seconds: float) -> History:
    """Of jobs of each code, how long all took."""
    history = History()
    for code, each in seconds.items():
        for _ in range(ENOUGH):
            history.learn(likeness_of("prj_1", code, SMALL.shape), each)
    return history


def chosen(
    of: Line,
    *,
    limited: tuple[str, ...] = (),
    promised: tuple[str, ...] = (),
    history: History | None = None,
) -> list[str]:
    return of.chosen(NOW, {SMALL}, {SMALL, LARGE}, limited, promised, order(history))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKAHEAD", 2)
    monkeypatch.setattr(module, "LOOKAHEAD_HEAD", 1)
    monkeypatch.setattr(module, "LOOKAHEAD_PROJECT", 1)
    monkeypatch.setattr(module, "LOOKAHEAD_PATIENT", 2)


class TestLine:
    def test_what_fits_nowhere_is_left_out_and_of_the_rest_what_may_start(self) -> None:
        of = line(("h", HUGE), ("a", LARGE), ("b", LARGE), ("c", SMALL), ("d", SMALL), ("e", SMALL))

        assert chosen(of) == ["a", "c", "d"]

    def test_those_that_have_waited_long_are_looked_at_besides(self) -> None:
        of = line(*((job, LARGE) for job in "abc"), ("d", SMALL), age=61)

        assert chosen(of) == ["a", "b", "d"]

    def test_a_promise_is_kept_wherever_the_job_stands(self) -> None:
        of = line(*((job, LARGE) for job in "abc"), ("h", HUGE))

        assert chosen(of, promised=("c", "h", "gone")) == ["a", "c"]

    def test_a_project_with_a_quota_has_its_share(self) -> None:
        of = line(*((job, LARGE) for job in "abc"))
        of.put(waiter("x", SMALL, project="prj_2"))

        assert chosen(of, limited=("prj_1", "prj_3")) == ["a", "x"]

    def test_the_order_is_priority_then_age(self) -> None:
        of = line(("a", LARGE), ("b", LARGE))
        of.put(waiter("first", LARGE, priority=5))

        assert chosen(of) == ["first"]

    def test_who_has_left_is_not_asked_for(self) -> None:
        of = line(("a", LARGE), ("c", SMALL))
        of.drop("a")
        of.drop("a")

        assert chosen(of) == ["c"]
        assert set(of.asked) == {SMALL}

    def test_a_short_job_is_found_behind_any_number_of_long_ones(self) -> None:
        of = Line()
        for number in range(500):
            of.put(waiter(f"long_{number:03}", SMALL, age=60 - number / 1000, code="long"))
        of.put(waiter("short", SMALL, code="short"))

        found = chosen(of, history=knowing(long=9000.0, short=90.0))

        assert found[0] == "short"
        assert found[1:] == ["long_000"]
        assert "short" not in chosen(of)

    def test_the_first_of_a_project_are_those_of_its_order(self) -> None:
        of = Line()
        of.put(waiter("long", SMALL, age=9, code="long"))
        of.put(waiter("short", SMALL, code="short"))
        of.put(waiter("other", SMALL, code="short", project="prj_2"))
        of.put(waiter("pressing", SMALL, code="long", priority=1))
        known = order(knowing(long=9000.0, short=90.0))

        assert of.first(known, 9) == ["pressing", "short", "other", "long"]
        assert of.first(known, 2, "prj_1") == ["pressing", "short"]
        assert of.first(order(), 9, "prj_1") == ["pressing", "long", "short"]

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([0, 0, 1]),
                st.sampled_from(["long", "short", "new"]),
                st.sampled_from([0.0, 0.0, 500.0]),
                st.integers(0, 90_000),
            ),
            max_size=12,
        ),
        st.randoms(),
    )
    def test_it_is_the_order_of_decisions_however_it_was_filled(self, made, chance) -> None:
        waiting = [
            waiter(f"job_{n:02}", SMALL, age=age, priority=priority, code=code, ran=ran)
            for n, (priority, code, ran, age) in enumerate(made)
        ]
        known = order(knowing(long=9000.0, short=90.0))
        of = Line()
        for one in chance.sample(waiting, len(waiting)):
            of.put(one)

        def place(one: Waiter) -> Turn:
            lane = one.lane
            alike = known.alike(lane.project, lane.code_digest, lane.asked, lane.ran_seconds)
            return alike.turn(lane.priority, one.created_at, one.job)

        assert of.first(known, 99) == [one.job for one in sorted(waiting, key=place)]
