"""A small cluster goes through the rounds that the large one is measured in."""

from __future__ import annotations

import pytest

from benchmarks import tick


@pytest.mark.parametrize("projects", [0, 2])
async def test_a_small_pool_stays_full_and_its_queue_long(projects: int) -> None:
    found = await tick.measure(5, 30, projects, 4)

    assert found["running"] > 10
    assert found["grants_per_tick"] > 0
    assert 0 < found["tick_ms_p50"] <= found["tick_ms_max"]
