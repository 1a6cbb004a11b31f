"""The simulated cluster: what it may never do, and small traces whose outcome is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from benchmarks.simulation.orders import (
    AttainedService,
    Expected,
    FineAttainedService,
    FirstCome,
    Oracle,
)
from benchmarks.simulation.philly import TraceJob, mean_demand, read
from benchmarks.simulation.simulator import Order, Simulator
from benchmarks.simulation.space import NodeSpace
from benchmarks.simulation.turns import Claim, Turn

ORDERS = [FirstCome, Oracle, AttainedService, FineAttainedService, Expected]


def trace(*jobs: tuple[float, float, int]) -> list[TraceJob]:
    return [
        TraceJob(f"{n:06}", at, seconds, gpus, "p") for n, (at, seconds, gpus) in enumerate(jobs)
    ]


def ends(jobs: list[TraceJob], order: Order, nodes: int = 1) -> list[float]:
    simulator = Simulator(jobs, nodes, order, tick_seconds=10)
    simulator.run()
    return [at for _, at in sorted(simulator.ended)]


def claim(gpus: int, job: str = "new") -> Claim:
    return Claim(Turn(0, 0.0, 0.0, job), gpus)


class TestSimulator:
    def test_a_job_alone_takes_as_long_as_it_did(self) -> None:
        assert ends(trace((0, 125, 8)), Oracle()) == [125]

    def test_a_short_job_stops_a_long_one_which_pays_for_its_restart(self) -> None:
        assert ends(trace((0, 1000, 8), (100, 50, 1)), Oracle()) == [1000 + 50 + 60, 150]

    def test_a_job_of_two_nodes_waits_for_two_nodes(self) -> None:
        jobs = trace((0, 100, 1), (0, 100, 1), (0, 500, 12))

        assert ends(jobs, Oracle(), nodes=3) == [100, 100, 500]
        assert ends(jobs, Oracle(), nodes=2) == [100, 100, 600]

    def test_a_later_job_passes_the_first_only_where_it_does_not_delay_it(self) -> None:
        running, first = (0, 100, 4), (1, 100, 8)
        over_in_time, too_long = (2, 50, 4), (3, 200, 4)

        assert ends(trace(running, first, over_in_time, too_long), FirstCome()) == [
            100,
            200,
            60,
            400,
        ]

    def test_a_later_job_passes_the_first_where_it_fits_beside_it(self) -> None:
        running, first, beside = (0, 100, 4), (1, 100, 6), (2, 500, 2)

        assert ends(trace(running, first, beside), FirstCome()) == [100, 200, 510]

    @hypothesis_settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 2000), st.integers(1, 3000), st.sampled_from([1, 3, 8, 12, 16])
            ),
            min_size=1,
            max_size=25,
        ),
        st.sampled_from(ORDERS),
    )
    def test_every_job_ends_no_sooner_than_it_could(self, jobs, order) -> None:
        came = trace(*sorted(jobs))
        simulator = Simulator(came, 2, order(), tick_seconds=10)

        outcome = simulator.run()

        assert sorted(job.id for job, _ in simulator.ended) == [job.id for job in came]
        assert all(at >= job.arrived + job.seconds - 1e-6 for job, at in simulator.ended)
        assert 0 < outcome.utilisation <= 1
        assert simulator._space.free == [8, 8]

    @pytest.mark.parametrize("order", ORDERS)
    def test_it_is_deterministic(self, order) -> None:
        jobs = trace(*((n * 7 % 300, 60 + n * 37 % 900, 1 + n % 8) for n in range(60)))
        jobs.sort(key=lambda job: job.arrived)

        assert ends(jobs, order(), 2) == ends(jobs, order(), 2)


class TestNodeSpace:
    def test_the_fullest_node_that_takes_it_is_best(self) -> None:
        space = NodeSpace(3, 8, lambda _: 0.0)
        space.take(claim(5, "x"), (1,))

        assert space.best(claim(3)) == (1,)
        assert space.best(claim(4)) == (0,)
        assert space.best(claim(12)) == (0, 2)
        assert space.best(claim(17)) is None

    def test_the_cheapest_are_stopped_and_only_those_that_may_be(self) -> None:
        costs = {"dear": 9.0, "cheap": 1.0, "free": 0.0}
        space = NodeSpace(3, 8, costs.__getitem__)
        for number, job in enumerate(costs):
            space.take(claim(8, job), (number,))

        assert space.cleared(claim(2), {"dear", "cheap"}) == ((1,), ("cheap",))
        assert space.cleared(claim(16), {"free"}) == ((1, 2), ("free",))
        assert space.cleared(claim(24), {"cheap", "free"}) is None

    def test_a_job_of_several_nodes_leaves_all_of_them(self) -> None:
        space = NodeSpace(2, 8, lambda _: 0.0)
        space.take(claim(12, "x"), (0, 1))

        assert space.free == [0, 0]
        space.release("x")
        assert space.free == [8, 8]


class TestPhilly:
    def test_where_the_trace_is_missing_it_is_told_where_to_fetch_it(self, tmp_path) -> None:
        with pytest.raises(SystemExit, match="petuum/adaptdl"):
            read(tmp_path)

    def test_another_file_is_refused(self, tmp_path) -> None:
        (tmp_path / "philly.csv").write_text("timestamp,duration,num_gpus,gpu_time,cluster\n")

        with pytest.raises(SystemExit, match="SHA-256"):
            read(tmp_path)

    def test_mean_demand_is_area_by_time(self) -> None:
        assert mean_demand(trace((0, 100, 4), (200, 100, 2))) == 3
