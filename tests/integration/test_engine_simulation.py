"""The engine, the node service and the worker in a world where everything goes wrong."""

from __future__ import annotations

import pytest

from tests.unit.jobs.simulation.living import over_memory, over_sqlite
from tests.unit.jobs.simulation.shrinking import play_seed, shrunk
from tests.unit.jobs.simulation.steps import Step, parse, text_of


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_invariants_hold_and_every_job_ends():
    for seed in range(25):
        play_seed(over_memory, seed, 150)


@pytest.mark.slow
def test_invariants_hold_over_sql():
    for seed in range(3):
        play_seed(over_sqlite, seed, 40)


def test_a_worker_that_stood_still_starts_nothing_that_was_given_up():
    over_memory(
        parse(
            "submit:1:11 talk:7:3 schedule:7:5 open:8:1 advance:7:11 reap:0:8 advance:1:9"
            " hold_worker:1:2 talk:9:0 advance:8:4 advance:10:9 advance:6:3 drain:2:10"
        )
    )


class TestShrunk:
    def test_it_keeps_only_what_a_failure_needs(self):
        history = parse(" ".join(f"advance:{n}:0" for n in range(10)) + " submit:1:2 cancel:0:0")

        def fails(part):
            return Step("advance", 3, 0) in part and Step("cancel", 0, 0) in part

        assert text_of(shrunk(history, fails)) == "advance:3:0 cancel:0:0"
