"""What projects may hold, and what they lend each other."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pileus.core.schemas.quota import Limit, Quota
from pileus.jobs.policy.quota import Quotas, amounts_of
from tests.unit.jobs.policy.building import NOW, request


def quota(project: str, cpu: int = 20, *, cohort: str | None = "c", **more: Any) -> Quota:
    limits = more.pop("limits", None) or {
        "cpu_milli": Limit(
            nominal=cpu, borrowing=more.pop("borrow", None), lending=more.pop("lend", None)
        )
    }
    return Quota(
        id=f"quo_{project}", project=project, created_at=NOW, cohort=cohort, limits=limits, **more
    )


def cpu(amount: int) -> dict[str, int]:
    return {"cpu_milli": amount}


LIMITS = st.builds(
    lambda nominal, borrowing, lending: Limit(
        nominal=nominal, borrowing=borrowing, lending=lending
    ),
    st.integers(0, 9),
    st.none() | st.integers(0, 9),
    st.none() | st.integers(0, 9),
)
COHORTS = st.lists(LIMITS, min_size=1, max_size=4)
ASKED = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6), st.booleans()), max_size=25)


class TestLacking:
    def test_the_nominal_quota_is_there_and_no_more_without_a_cohort(self) -> None:
        quotas = Quotas([quota("a", 20, cohort=None)])
        quotas.take("a", cpu(15))

        assert quotas.lacking("a", cpu(5)) is None
        assert quotas.lacking("a", cpu(6)) == "cpu_milli"

    def test_what_others_do_not_use_may_be_borrowed_up_to_the_limit(self) -> None:
        quotas = Quotas([quota("a", 20, borrow=10), quota("b", 20)])

        assert quotas.lacking("a", cpu(30)) is None
        assert quotas.lacking("a", cpu(31)) == "cpu_milli"
        assert quotas.never("a", cpu(31)) == "cpu_milli"

    def test_the_state_is_another_when_the_cohort_holds_something_else(self) -> None:
        quotas = Quotas([quota("a"), quota("b"), quota("d", cohort=None)])
        before = [quotas.state(project) for project in "abd"]

        quotas.take("a", cpu(1))

        after = [quotas.state(project) for project in "abd"]
        assert [x != y for x, y in zip(before, after, strict=True)] == [True, True, False]

    def test_what_others_use_may_not(self) -> None:
        quotas = Quotas([quota("a", 20), quota("b", 20)])
        quotas.take("b", cpu(15))

        assert quotas.lacking("a", cpu(25)) is None
        assert quotas.lacking("a", cpu(26)) == "cpu_milli"
        assert quotas.never("a", cpu(26)) is None

    def test_what_others_do_not_lend_stays_theirs(self) -> None:
        quotas = Quotas([quota("a", 20), quota("b", 20, lend=5)])

        assert quotas.lacking("a", cpu(25)) is None
        assert quotas.lacking("a", cpu(26)) == "cpu_milli"
        quotas.take("a", cpu(25))
        assert quotas.lacking("b", cpu(15)) is None
        assert quotas.lacking("b", cpu(16)) == "cpu_milli"

    def test_a_project_without_a_quota_and_a_resource_without_a_limit_are_free(self) -> None:
        quotas = Quotas([quota("a", 1)])

        assert quotas.lacking("z", cpu(10**6)) is None
        assert quotas.lacking("a", {"memory_mib": 10**6}) is None

    def test_gpus_count_by_kind_and_altogether(self) -> None:
        limits = {"gpu_milli": Limit(nominal=3000), "gpu_milli:h200": Limit(nominal=1000)}
        quotas = Quotas([quota("a", limits=limits)])
        quotas.take("a", amounts_of(request(gpu=1), ["nvidia-h200"]))

        assert quotas.lacking("a", amounts_of(request(gpu=2), ["t4", "t4"])) is None
        assert quotas.lacking("a", amounts_of(request(gpu=1, gpu_kind="h200"))) == "gpu_milli:h200"
        assert quotas.lacking("a", amounts_of(request(gpu=3))) == "gpu_milli"

    @given(COHORTS, ASKED)
    def test_nobody_ever_holds_more_than_is_there(self, limits, asked) -> None:
        names = [str(number) for number in range(len(limits))]
        quotas = Quotas(
            quota(n, limits={"cpu_milli": x}) for n, x in zip(names, limits, strict=True)
        )
        held: list[tuple[str, int]] = []
        for number, amount, ends in asked:
            if ends and held:
                gone, freed = held.pop(0)
                quotas.give(gone, cpu(freed))
            project = names[number % len(names)]
            if quotas.lacking(project, cpu(amount)) is None:
                assert quotas.never(project, cpu(amount)) is None
                quotas.take(project, cpu(amount))
                held.append((project, amount))
            used = {n: sum(x for p, x in held if p == n) for n in names}
            assert sum(used.values()) <= sum(limit.nominal for limit in limits)
            for name, limit in zip(names, limits, strict=True):
                assert quotas.used(name, "cpu_milli") == used[name]
                if limit.borrowing is not None:
                    assert used[name] <= limit.nominal + limit.borrowing
                if limit.lending is not None:
                    kept = max(0, limit.nominal - limit.lending)
                    assert quotas.lacking(name, cpu(kept - used[name])) is None

    @given(COHORTS, ASKED)
    def test_without_borrowers_every_nominal_quota_is_there(self, limits, asked) -> None:
        quotas = Quotas(quota(str(n), limits={"cpu_milli": x}) for n, x in enumerate(limits))
        for number, amount, _ in asked:
            project = str(number % len(limits))
            if not quotas.borrows(project, cpu(amount)):
                assert quotas.lacking(project, cpu(amount)) is None
                quotas.take(project, cpu(amount))

    @given(st.permutations(range(4)))
    def test_the_order_of_the_input_changes_nothing(self, order) -> None:
        all_ = [quota(str(n), 5 + n, borrow=n, lend=2) for n in range(4)]
        straight, shuffled = Quotas(all_), Quotas([all_[n] for n in order])
        for number in range(4):
            for quotas in (straight, shuffled):
                quotas.take(str(number), cpu(number))
        for number in range(4):
            for amount in range(1, 12):
                asked = (str(number), cpu(amount))
                assert straight.lacking(*asked) == shuffled.lacking(*asked)
                assert straight.share(*asked) == shuffled.share(*asked)


class TestShare:
    def test_it_is_the_dominant_borrowed_part_of_what_the_cohort_lends(self) -> None:
        limits = {"cpu_milli": Limit(nominal=10), "memory_mib": Limit(nominal=100)}
        quotas = Quotas([quota("a", limits=limits), quota("b", limits=limits)])
        quotas.take("a", {"cpu_milli": 12, "memory_mib": 150})

        assert quotas.share("a", {}) == Fraction(50, 200)
        assert quotas.share("a", cpu(4)) == Fraction(6, 20)
        assert quotas.share("b", cpu(10)) == 0
        assert quotas.borrowed("a", "memory_mib") == 50

    def test_twice_the_weight_is_half_the_share(self) -> None:
        quotas = Quotas([quota("a"), quota("b", weight=2)])

        assert quotas.share("b", cpu(30)) * 2 == quotas.share("a", cpu(30))

    def test_within_the_nominal_quota_it_is_nothing(self) -> None:
        quotas = Quotas([quota("a")])

        assert quotas.share("a", cpu(20)) == 0
        assert not quotas.borrows("a", cpu(20))
        assert quotas.borrows("a", cpu(21))


class TestTerms:
    @pytest.mark.parametrize(
        "terms",
        [
            {"limits": {}},
            {"limits": {"cpus": {"nominal": 1}}},
            {"limits": {"cpu_milli": {"nominal": -1}}},
            {"limits": {"cpu_milli": {"nominal": 1, "borrowing": 1}}},
            {"limits": {"cpu_milli": {"nominal": 1}}, "preempt": "any"},
            {"limits": {"cpu_milli": {"nominal": 1}}, "weight": 0},
        ],
    )
    def test_what_can_not_be_meant_is_refused(self, terms) -> None:
        with pytest.raises(ValidationError):
            Quota.model_validate({"id": "q", "project": "p", "created_at": NOW} | terms)
