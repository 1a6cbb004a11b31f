"""What quotas answer about jobs that ask alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.core.schemas.quota import Limit, Quota
from pileus.jobs.answers import Answers, lack_of
from pileus.jobs.policy.demand import Asked, Shape
from pileus.jobs.policy.quota import Quotas
from pileus.jobs.policy.wishes import Wish
from tests.unit.jobs.policy.building import NOW


def wish(cpu: int) -> Wish:
    return Wish(Asked(Shape.plain(cpu, 1, 0)), False, {"cpu_milli": cpu, "memory_mib": 1})


def quotas() -> Quotas:
    """Two that lend to each other, and one that is alone."""
    lent, alone = Limit(nominal=4, borrowing=2), Limit(nominal=4)
    terms: dict[str, Any] = {"a": ("c", lent), "b": ("c", lent), "z": (None, alone)}
    return Quotas(
        Quota(
            id=f"quo_{project}",
            project=project,
            created_at=NOW,
            cohort=cohort,
            limits={"cpu_milli": limit},
        )
        for project, (cohort, limit) in terms.items()
    )


WISHES = [wish(cpu) for cpu in (1, 3, 9)]


class TestAnswers:
    @given(st.lists(st.tuples(st.sampled_from("abz"), st.integers(1, 3), st.booleans())))
    def test_they_are_those_of_the_quotas_as_they_are(self, changes) -> None:
        of, anew = quotas(), quotas()
        answers = Answers(of)
        held: list[tuple[str, int]] = []
        for project, cpu, is_more in changes:
            if is_more or not held:
                held.append((project, cpu))
                of.take(project, {"cpu_milli": cpu})
                anew.take(project, {"cpu_milli": cpu})
            else:
                whose, least = held.pop()
                of.give(whose, {"cpu_milli": least})
                anew.give(whose, {"cpu_milli": least})
            for one in "abz":
                for asked in WISHES:
                    lack = answers.lack(one, asked)
                    never = anew.never(one, asked.amounts) is not None
                    assert (lack is not None and lack.is_for_ever) == never
                    if not never:
                        resource = anew.lacking(one, asked.amounts)
                        assert lack == (resource and lack_of(anew, one, asked.amounts, resource))
                    assert answers.borrows(one, asked) == anew.borrows(one, asked.amounts)
                    assert answers.share(one, asked).exact == anew.share(one, asked.amounts)

    def test_a_question_is_asked_once_until_its_cohort_holds_something_else(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        of, asked = quotas(), []
        borrows = Quotas.borrows

        def counted(self, project, amounts):
            asked.append(project)
            return borrows(self, project, amounts)

        monkeypatch.setattr(Quotas, "borrows", counted)
        answers = Answers(of)
        for _ in range(3):
            answers.borrows("a", WISHES[0])
        of.take("z", {"cpu_milli": 1})
        answers.borrows("a", WISHES[0])
        assert asked == ["a"]

        of.take("b", {"cpu_milli": 1})
        answers.borrows("a", WISHES[0])
        assert asked == ["a", "a"]

    def test_equal_shares_are_one_object(self) -> None:
        answers = Answers(quotas())

        assert answers.share("a", WISHES[2]) is answers.share("b", WISHES[2])
