"""What the scenario counts as a violation, and what it submits when."""

from __future__ import annotations

from benchmarks.kueue import BASELINE, LARGE, Held, schedule, violations

ONE = {"a": "c"}
TWO = {"a": "c", "b": "c"}


class TestViolations:
    def test_all_that_a_cohort_has_may_be_held(self) -> None:
        assert violations([Held("a", 40, 0, 9)], TWO) == 0

    def test_a_cohort_that_holds_more_than_it_has_is_found(self) -> None:
        assert violations([Held("a", 30, 0, 9), Held("b", 11, 5, 9)], TWO) == 1

    def test_what_is_released_at_an_instant_may_be_granted_again(self) -> None:
        assert violations([Held("a", 20, 0, 5), Held("a", 20, 5, 9)], ONE) == 0
        assert violations([Held("a", 20, 0, 6), Held("a", 20, 5, 9)], ONE) == 1

    def test_a_project_borrows_no_more_than_it_may(self) -> None:
        many = {f"q{number}": "c" for number in range(10)}

        assert violations([Held("q0", 120, 0, 9)], many) == 0
        assert violations([Held("q0", 121, 0, 9)], many) == 1


class TestSchedule:
    def test_it_is_the_scenario_of_kueue(self) -> None:
        due = schedule(BASELINE.classes)

        assert len(due) * BASELINE.projects == BASELINE.workloads == 15_000
        assert [at for at, _ in due] == sorted(at for at, _ in due)
        assert [kind.name for at, kind in due if at == 0] == ["small", "medium", "large"]
        assert max(at for at, _ in due) == 49 * 1.2

    def test_the_larger_one_has_ten_cohorts_of_a_hundred(self) -> None:
        assert (LARGE.cohorts, LARGE.queues, LARGE.workloads) == (10, 100, 50_000)
        assert LARGE.times(0.2).workloads == 10_000
