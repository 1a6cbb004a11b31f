from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulation.orders import Expected, attained, attained_finely
from benchmarks.simulation.philly import TraceJob
from pileus.jobs.policy.ordering import AGEING_LEAST
from pileus.jobs.policy.prediction import ENOUGH

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
    def test_it_ranks_as_the_scheduler_does(self) -> None:
        order = Expected()
        short, long = (
            TraceJob(f"{n}", 0, seconds, 1, f"p{n}") for n, seconds in ((0, 100), (1, 9000))
        )
        assert order.rank(short, 0, 0) == order.rank(long, 0, 0)
        assert order.rank(long, 500, 500) > order.rank(long, 0, 500)

        for job in (short, long) * ENOUGH:
            order.ended(job)

        assert order.rank(short, 0, 60) < order.rank(long, 0, 60)
        assert order.rank(short, 0, 99 * AGEING_LEAST) == 1
