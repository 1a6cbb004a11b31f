"""Turns, on a space of a single resource."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulation.turns import Claim, Held, Preempting, Start, Turn, take_turns


class Bench:
    """So many seats."""

    def __init__(self, seats: int, taken: dict[str, int]) -> None:
        self.taken = dict(taken)
        self.free = seats - sum(taken.values())

    def best(self, claim: Claim) -> str | None:
        return "seat" if claim.request <= self.free else None

    def take(self, claim: Claim, place: str) -> None:
        assert isinstance(claim.request, int)
        self.free -= claim.request

    def cleared(self, claim: Claim, stoppable: Collection[str]) -> tuple[str, Sequence[str]] | None:
        assert isinstance(claim.request, int)
        victims = []
        free = self.free
        for job in sorted(self.taken):
            if free < claim.request and job in stoppable:
                victims.append(job)
                free += self.taken[job]
        if free < claim.request:
            return None
        self.free = free
        return "seat", victims


def claim(job: str, rank: float = 0, *, priority: int = 0, seats: int = 1) -> Claim:
    return Claim(Turn(-priority, rank, 0.0, job), seats)


def held(job: str, rank: float = 0, *, priority: int = 0, ran: float = 1e6) -> Held:
    return Held(Turn(-priority, rank, 0.0, job), ran)


def turns(
    waiting: list[Claim],
    running: dict[str, Held],
    seats: int = 1,
    preempting: Preempting = Preempting(),  # noqa: B008  it is frozen
) -> list[Start[str]]:
    return take_turns(sorted(waiting), running, Bench(seats, dict.fromkeys(running, 1)), preempting)


class TestTakeTurns:
    def test_the_first_of_the_order_has_the_seat(self) -> None:
        waiting = [claim("b", 5), claim("a", 9), claim("c", 5), claim("d", 99, priority=1)]

        assert [start.job for start in turns(waiting, {}, seats=2)] == ["d", "b"]

    def test_a_job_behind_by_the_margin_makes_room(self) -> None:
        assert turns([claim("a", 1)], {"x": held("x", 3)}) == [Start("a", "seat", ("x",))]
        assert turns([claim("a", 1)], {"x": held("x", 2)}) == []

    def test_a_job_has_its_minimum_unless_a_higher_priority_comes(self) -> None:
        young = {"x": held("x", 99, ran=10)}

        assert turns([claim("a", 1)], young) == []
        assert turns([claim("a", 100, priority=1)], young) == [Start("a", "seat", ("x",))]

    def test_a_lower_priority_stops_nobody(self) -> None:
        assert turns([claim("a", 0, priority=-1)], {"x": held("x", 1e9)}) == []

    def test_without_a_margin_only_priority_counts(self) -> None:
        never = Preempting(margin=math.inf)

        assert turns([claim("a", 0)], {"x": held("x", 1e9)}, 1, never) == []
        assert turns([claim("a", 0, priority=1)], {"x": held("x", 0)}, 1, never) != []

    def test_nobody_is_stopped_twice(self) -> None:
        starts = turns([claim("a", 1), claim("b", 1)], {"x": held("x", 99)})

        assert starts == [Start("a", "seat", ("x",))]

    def test_a_small_job_passes_a_large_one_without_a_place(self) -> None:
        starts = turns([claim("a", 1, seats=3), claim("b", 2)], {"x": held("x", 1)}, seats=2)

        assert [start.job for start in starts] == ["b"]

    @given(
        st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.floats(1, 100)), max_size=9),
        st.lists(st.tuples(st.integers(0, 2), st.floats(1, 100)), max_size=6),
    )
    def test_skipping_hopeless_requests_changes_no_answer(self, wanted, running) -> None:
        waiting = sorted(
            claim(f"w{n}", rank, priority=priority, seats=seats)
            for n, (seats, priority, rank) in enumerate(wanted)
        )
        those = {f"r{n}": held(f"r{n}", rank, priority=p) for n, (p, rank) in enumerate(running)}
        unlike = [one._replace(request=_Seats(str(one.request))) for one in waiting]

        skipping = turns(waiting, those, seats=len(those) + 1)
        asking = turns(unlike, those, seats=len(those) + 1)

        assert [(s.job, s.victims) for s in skipping] == [(s.job, s.victims) for s in asking]

    @pytest.mark.parametrize("seed", range(20))
    def test_two_jobs_whose_ranks_grow_as_they_run_seldom_stop_each_other(self, seed: int) -> None:
        chance = random.Random(seed)
        attained = {"a": chance.uniform(60, 600), "b": chance.uniform(60, 600)}
        runs, since, swaps = "a", 0.0, 0
        for _ in range(2000):
            waits = "b" if runs == "a" else "a"
            attained[runs] += 60
            since += 60
            now = {runs: held(runs, attained[runs], ran=since)}
            if turns([claim(waits, attained[waits])], now):
                runs, since, swaps = waits, 0.0, swaps + 1

        assert swaps <= math.log2(sum(attained.values()) / 60) + 1


class _Seats(int):
    """A request that equals no other."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other
