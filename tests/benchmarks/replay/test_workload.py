from __future__ import annotations

from itertools import repeat

import pytest

from benchmarks.replay.traces import gavel, generated, philly
from benchmarks.replay.workload import BadInput, Submission, in_turn, sized, spread, uniform_node
from benchmarks.simulation.philly import TraceJob
from pileus.core.schemas.resources import Resources

NODE = uniform_node(cpus=32, gib=64, gpus=4)


def job(arrived: float, seconds: float, gpu: float = 4, gang: int = 1) -> Submission:
    return Submission(arrived, seconds, Resources(cpu=4, gpu=gpu), gang)


class TestSized:
    def test_the_pool_is_as_large_as_the_load_asks(self) -> None:
        jobs = [job(0, 100), job(100, 300, gang=2)]  # 28 GPUs over 100 s

        assert len(sized(jobs, repeat(NODE)).nodes) == 7
        assert len(sized(jobs, repeat(NODE), load=0.5).nodes) == 14
        assert len(sized(jobs, repeat(NODE), number=3).nodes) == 3

    def test_with_a_pool_and_a_load_the_arrivals_give_way(self) -> None:
        found = sized([job(0, 100), job(100, 300, gang=2)], repeat(NODE), number=7, load=0.5)

        assert [one.arrived for one in found.jobs] == [0, 200]
        assert len(found.nodes) == 7

    def test_without_gpus_processors_count(self) -> None:
        assert len(sized([job(0, 100, gpu=0), job(50, 1500, gpu=0)], repeat(NODE)).nodes) == 4

    def test_what_no_pool_can_hold_is_told(self) -> None:
        with pytest.raises(BadInput, match="give nodes with GPUs"):
            sized([job(0, 1)], repeat(uniform_node(8, 8, 0)), number=1)
        with pytest.raises(BadInput, match="say with --nodes"):
            sized([job(0, 1e6)], repeat(NODE))


class TestTraces:
    def test_jobs_are_counted_from_the_first(self) -> None:
        assert [one.arrived for one in in_turn([job(9, 1), job(5, 1), job(7, 1)], 2)] == [0, 2]

    @pytest.mark.parametrize("gpus, found", [(1, (1, 1)), (8, (1, 8)), (12, (2, 6)), (13, (2, 8))])
    def test_a_job_larger_than_a_node_is_a_gang(self, gpus, found) -> None:
        assert spread(gpus, 8) == found

    def test_of_philly(self) -> None:
        found = philly._submission(TraceJob("1", 5.0, 60.0, 16, "vc"))

        assert (found.resources.gpu, found.gang, found.project) == (8, 2, "vc")

    def test_of_gavel_what_was_not_measured_scales(self) -> None:
        measured = {"('LM', 1)": 2.0, "('LM', 2)": 3.0}
        rows = [["LM", "", "", "", "600", "7.0", scale] for scale in ("1", "2", "4")]

        found = [gavel._submission(row, measured) for row in rows]

        assert [one.seconds for one in found] == [300, 200, 75]
        assert {one.code for one in found} == {"LM"}

    def test_what_is_made_up_follows_from_the_seed(self) -> None:
        one, same, other = (generated.make(50, 4, 0.9, seed) for seed in (1, 1, 2))

        assert one == same != other
        assert {quota.project for quota in one.quotas} >= {job.project for job in one.jobs}
