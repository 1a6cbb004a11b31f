"""When what runs is expected to end."""

from __future__ import annotations

from datetime import timedelta

from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.ending import Endings, likeness_of
from pileus.jobs.policy.prediction import History
from tests.unit.jobs.policy.building import NOW, lease, node, request


def held(ran: float, timeout_ms: int | None = None):
    update = {
        "created_at": NOW - timedelta(seconds=ran),
        "code_digest": "d",
        "timeout_ms": timeout_ms,
    }
    return lease(node(), request()).model_copy(update=update)


def history(*seconds: float) -> History:
    found = History()
    for one in seconds:
        found.learn(likeness_of("prj_1", "d", Shape.of(request())), one)
    return found


class TestEndings:
    def test_without_a_timeout_and_a_history_nothing_is_known(self) -> None:
        assert Endings(History(), NOW).of_lease(held(10)) is None

    def test_a_timeout_bounds_it(self) -> None:
        end = Endings(history(*[100.0] * 20), NOW).of_lease(held(10, 30_000))

        assert end == NOW + timedelta(seconds=20)

    def test_most_jobs_alike_that_ran_for_longer_had_ended_by_then(self) -> None:
        end = Endings(history(*range(1, 101)), NOW).of_lease(held(50))

        assert end == NOW + timedelta(seconds=91 - 50)

    def test_what_has_passed_is_not_expected(self) -> None:
        assert Endings(history(*[5.0] * 20), NOW).of_lease(held(50)) is None
        assert Endings(History(), NOW).of_lease(held(50, 40_000)) is None
