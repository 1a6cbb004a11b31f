from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulation.ranks import attained, attained_finely, expected
from pileus.jobs.policy.prediction import UNKNOWN, Runtime

AREA = st.floats(0, 1e9)


class TestAttained:
    @pytest.mark.parametrize("area, level", [(0, 0), (99, 0), (100, 1), (999, 1), (1e9, 2)])
    def test_a_level_ends_at_its_limit(self, area: float, level: int) -> None:
        assert attained(area, (100, 1000)) == level

    @given(AREA, AREA)
    def test_who_had_more_never_goes_before(self, one: float, other: float) -> None:
        less, more = sorted((one, other))

        assert attained(less, (100, 1000)) <= attained(more, (100, 1000))
        assert attained_finely(less) <= attained_finely(more)

    def test_a_level_is_as_long_as_all_before(self) -> None:
        assert attained_finely(1024 * 64) == attained_finely(512 * 64) + 1
        assert attained_finely(0) == attained_finely(60)


class TestExpected:
    def test_alike_durations_leave_what_is_left_of_them(self) -> None:
        assert expected(Runtime((1000.0,) * 9), 400, 2) == 1200

    def test_a_good_chance_to_end_soon_goes_before_the_mean(self) -> None:
        runtime = Runtime((100.0,) * 5 + (100_000.0,) * 5)

        assert expected(runtime, 0, 1) == pytest.approx(200)  # 100 s each, and half of them end

    def test_with_nothing_known_it_is_what_was_attained(self) -> None:
        assert expected(UNKNOWN, 5000, 4) == 20_000
        assert expected(Runtime((10.0, 20.0)), 5000, 4) == 20_000

    @given(st.lists(st.floats(1, 1e6), min_size=1, max_size=30), st.floats(0, 1e6))
    def test_it_is_between_a_minute_and_the_mean_of_what_is_left(
        self, seconds: list[float], ran: float
    ) -> None:
        runtime = Runtime(tuple(sorted(seconds)))
        left = [one - ran for one in seconds if one > ran]

        rank = expected(runtime, ran, 1)

        assert rank >= 60
        if left:
            assert rank <= max(60, sum(left) / len(left) * 1.000001)
