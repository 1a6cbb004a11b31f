from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.jobs.policy import prediction as module
from pileus.jobs.policy.prediction import ENOUGH, KEPT, UNKNOWN, History, Likeness, Runtime

ONE = Likeness("p", "c", "gpu=1")
SECONDS = st.lists(st.floats(1, 1e6), max_size=2 * ENOUGH)


def taught(likeness: Likeness, *seconds: float) -> History:
    history = History()
    for each in seconds:
        history.learn(likeness, each)
    return history


class TestRuntime:
    @given(SECONDS, st.floats(0, 1e6))
    def test_what_went_on_for_longer(self, seconds: list[float], ran: float) -> None:
        runtime = Runtime(tuple(sorted(seconds)))

        assert runtime.longer_than(ran) == tuple(sorted(one for one in seconds if one > ran))


class TestHistory:
    def test_nothing_is_known_before_enough_have_ended(self) -> None:
        assert taught(ONE, *[9.0] * (ENOUGH - 1)).runtime(ONE) is UNKNOWN
        assert taught(ONE, *[9.0] * ENOUGH).runtime(ONE).seconds == (9.0,) * ENOUGH

    @pytest.mark.parametrize(
        "other",
        [ONE._replace(code_digest="d"), ONE._replace(project="q"), Likeness("q", "d", "gpu=8")],
    )
    def test_a_job_like_none_takes_after_a_wider_group(self, other: Likeness) -> None:
        assert taught(ONE, *[9.0] * ENOUGH).runtime(other).seconds == (9.0,) * ENOUGH

    def test_the_closest_group_is_believed(self) -> None:
        other = ONE._replace(code_digest="d")
        history = taught(ONE, *[9.0] * ENOUGH)
        for _ in range(ENOUGH):
            history.learn(other, 700.0)

        assert history.runtime(ONE).seconds == (9.0,) * ENOUGH
        assert history.runtime(other).seconds == (700.0,) * ENOUGH

    def test_a_job_that_ran_longer_than_its_like_takes_after_those_that_did_too(self) -> None:
        other = ONE._replace(code_digest="d")
        history = taught(ONE, *[9.0] * ENOUGH)
        for _ in range(ENOUGH):
            history.learn(other, 700.0)

        assert history.runtime(ONE, 10).longer_than(10) == (700.0,) * ENOUGH

    def test_the_last_durations_of_a_group_are_kept(self) -> None:
        history = taught(ONE, *[9.0] * KEPT, *[5.0] * KEPT)

        assert history.runtime(ONE).seconds == (5.0,) * KEPT

    def test_groups_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "GROUPS", 8)
        history = History()
        for number in range(100):
            history.learn(ONE._replace(code_digest=str(number)), 1.0)
            history.runtime(ONE._replace(code_digest=str(-number)))

        assert len(history._durations) == 8
        assert len(history._runtimes) <= 8

    @given(st.lists(st.floats(1, 1e6), min_size=ENOUGH, max_size=KEPT), st.randoms())
    def test_asking_between_and_the_order_of_ends_change_no_answer(self, seconds, chance) -> None:
        asked = History()
        for each in seconds:
            asked.learn(ONE, each)
            asked.runtime(ONE)
        shuffled = chance.sample(seconds, len(seconds))

        assert asked.runtime(ONE) == taught(ONE, *shuffled).runtime(ONE)
