"""Which of many waiting jobs a decision is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pileus.jobs import line as module
from pileus.jobs.line import Line, Waiter
from pileus.jobs.policy.demand import Asked, Shape

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SMALL, LARGE, HUGE = (Asked(Shape.plain(cpu, 100, 0)) for cpu in (1000, 4000, 64_000))


def line(*waiting: tuple[str, Asked], age: float = 0.0, project: str = "prj_1") -> Line:
    found = Line()
    for number, (job, asked) in enumerate(waiting):
        created_at = NOW + timedelta(milliseconds=number) - timedelta(seconds=age)
        found.put(Waiter(0, created_at, job, project, asked))
    return found


def chosen(of: Line, *, limited: tuple[str, ...] = (), promised: tuple[str, ...] = ()) -> list[str]:
    return of.chosen(NOW, {SMALL}, {SMALL, LARGE}, limited, promised)


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
        of.put(Waiter(0, NOW, "x", "prj_2", SMALL))

        assert chosen(of, limited=("prj_1", "prj_3")) == ["a", "x"]

    def test_the_order_is_priority_then_age(self) -> None:
        of = line(("a", LARGE), ("b", LARGE))
        of.put(Waiter(-5, NOW, "first", "prj_1", LARGE))

        assert chosen(of) == ["first"]

    def test_who_has_left_is_not_asked_for(self) -> None:
        of = line(("a", LARGE), ("c", SMALL))
        of.drop("a")
        of.drop("a")

        assert chosen(of) == ["c"]
        assert set(of.asked) == {SMALL}
