"""Small workloads whose outcome is known, all of the scheduler at once, and plans that are broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from benchmarks.replay.audit import Violation
from benchmarks.replay.outcome import Outcome
from benchmarks.replay.simulator import Simulator
from benchmarks.replay.traces import generated
from benchmarks.replay.workload import Submission, Workload, uniform_node
from pileus.core.schemas.quota import Limit, Quota, Stops
from pileus.core.schemas.resources import Resources
from pileus.jobs.plan import Berth, Carry, Plan, Policy, PoolSnapshot
from pileus.jobs.policy.prediction import ENOUGH
from pileus.jobs.reasons import Waiting
from pileus.jobs.scheduler import decide

NODE = uniform_node(cpus=32, gib=64, gpus=8)
SMALL = uniform_node(cpus=32, gib=64, gpus=4)


def job(arrived: float, seconds: float, gpu: float = 8, gang: int = 1, **other) -> Submission:
    return Submission(arrived, seconds, Resources(cpu=1, gpu=gpu), gang, **other)


def run(*jobs: Submission, nodes=(NODE,), quotas=(), **options) -> Outcome:
    return Simulator(Workload(jobs, nodes, quotas), **options).run()


def ends(*jobs: Submission, nodes=(NODE,), quotas=(), **options) -> list[float]:
    """When each of these ended."""
    simulator = Simulator(Workload(jobs, nodes, quotas), **options)
    simulator.run()
    return [next(one.at for one in simulator.ended if one.wanted is wanted) for wanted in jobs]


def quota(project: str, gpus: int, **terms) -> Quota:
    return Quota(
        id=f"quo_{project}",
        project=project,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        limits={"gpu_milli": Limit(nominal=gpus * 1000)},
        **terms,
    )


class TestSimulator:
    def test_jobs_take_turns_where_only_one_fits(self) -> None:
        found = run(job(0, 100), job(10, 50))

        assert (found.jobs, found.makespan) == (2, 150)
        assert (found.mean_completion, found.mean_wait) == ((100 + 140) / 2, 45)
        assert found.slowdown_p99 == 140 / 50
        assert found.utilisation_while_waiting == 1

    def test_fractions_share_a_device(self) -> None:
        assert run(*[job(0, 100, gpu=0.5)] * 16).makespan == 100

    def test_a_gang_waits_until_all_its_members_fit(self) -> None:
        jobs = job(0, 100, gpu=4), job(1, 10, gpu=4, gang=2)

        assert ends(*jobs, nodes=[SMALL, SMALL]) == [100, 110]

    def test_a_later_job_passes_the_first_only_where_it_does_not_delay_it(self) -> None:
        taught = [job(0, 100, gpu=4, code="short") for _ in range(ENOUGH)]
        taught += [job(0, 400, gpu=4, code="long") for _ in range(ENOUGH)]
        running, first = job(10_000, 400, 4, code="long"), job(10_010, 100, 8, code="large")
        fits, delays = job(10_020, 100, 4, code="short"), job(10_021, 400, 4, code="long")

        found = ends(*taught, running, first, fits, delays, by_rank=False)

        assert found[-4:] == [10_400, 10_500, 10_120, 10_900]

    def test_what_ended_decides_who_goes_first(self) -> None:
        taught = [job(0, 100, code="short") for _ in range(ENOUGH)]
        taught += [job(0, 4000, code="long") for _ in range(ENOUGH)]
        jobs = [
            *taught,
            job(90_000, 60, code="short"),
            job(90_001, 4000, code="long"),
            job(90_002, 100, code="short"),
        ]

        assert ends(*jobs, by_rank=True)[-3:] == [90_060, 94_160, 90_160]
        assert ends(*jobs, by_rank=False)[-3:] == [90_060, 94_060, 94_160]

    def test_a_job_that_makes_room_loses_its_restart_and_no_work(self) -> None:
        jobs = job(0, 1000), job(100, 50, priority=1)
        quotas = [quota("default", 8, preempt=Stops.LOWER)]

        low, high = ends(*jobs, quotas=quotas, grace_seconds=30, restart_seconds=60)

        assert high == 100 + 30 + 50
        assert low == high + 60 + (1000 - 100)

    def test_a_project_takes_back_what_it_has_lent(self) -> None:
        terms = {"cohort": "all", "reclaim": Stops.ANY}
        quotas = [quota("a", 4, **terms), quota("b", 4, **terms)]
        borrows = [job(0, 1000, 4, project="a") for _ in range(2)]

        assert ends(*borrows, job(100, 50, 4, project="b"), quotas=quotas)[-1] == 100 + 30 + 50
        assert run(*borrows, quotas=[quota("a", 4)]).makespan == 2000

    def test_what_could_never_run_is_left_out(self) -> None:
        found = run(job(0, 10), job(0, 10, gpu=16), job(0, 10, gang=2), nodes=[NODE])
        assert (found.jobs, found.left_out) == (1, 2)

        found = run(job(0, 10), job(0, 10, gpu=2), quotas=[quota("default", 4)])
        assert (found.jobs, found.left_out) == (1, 1)

    @pytest.mark.parametrize("by_rank", [True, False])
    def test_all_of_it_at_once_breaks_nothing(self, by_rank) -> None:
        seen: set[str] = set()

        def watched(pool: PoolSnapshot, carry: Carry, policy: Policy) -> Plan:
            plan = decide(pool, carry, policy)
            seen.update("gang" for grant in plan.grants if len(grant.berths) > 1)
            seen.update("preemption" for _ in plan.preemptions)
            seen.update("promise" for _ in plan.promises)
            seen.update("reservation" for why in plan.waiting.values() if why.eta is not None)
            seen.update("quota" for why in plan.waiting.values() if "quota" in why.reason)
            return plan

        workload = generated.make(250, nodes=6, load=1.5, seed=3)
        simulator = Simulator(workload, by_rank=by_rank, decide=watched)
        found = simulator.run()

        assert seen == {"gang", "preemption", "promise", "reservation", "quota"}
        assert (found.jobs, found.violations) == (250, 0)
        assert not simulator.pool.held
        assert Simulator(workload, by_rank=by_rank).run().makespan == found.makespan


def doubled(plan: Plan) -> Plan:
    """Everything on the first device of the first node."""
    grants = [
        replace(grant, berths=tuple(Berth(berth.node, ("0",)) for berth in grant.berths))
        for grant in plan.grants
    ]
    return replace(plan, grants=tuple(grants))


def halved(plan: Plan) -> Plan:
    """Of each gang one member is forgotten."""
    return replace(plan, grants=tuple(replace(x, berths=x.berths[1:]) for x in plan.grants))


def silent(plan: Plan) -> Plan:
    """Nobody is told why it waits."""
    return replace(plan, waiting={})


class TestBrokenPlans:
    @pytest.mark.parametrize(
        "spoilt, jobs, says",
        [
            (doubled, [job(0, 10, gpu=1)] * 2, "of device 0 less"),
            (halved, [job(0, 10, gpu=1, gang=2)], "1 members started of 2"),
            (silent, [job(0, 10)] * 2, "is answered once"),
        ],
    )
    def test_are_caught(self, spoilt, jobs, says) -> None:
        def broken(pool: PoolSnapshot, carry: Carry, policy: Policy) -> Plan:
            return spoilt(decide(pool, carry, policy))

        with pytest.raises(Violation, match=says):
            run(*jobs, decide=broken)

    def test_one_that_forgets_quotas_is_caught(self) -> None:
        def boundless(pool: PoolSnapshot, carry: Carry, policy: Policy) -> Plan:
            return decide(pool, carry, replace(policy, quotas=()))

        with pytest.raises(Violation, match="more than its quotas"):
            run(*[job(0, 10, gpu=2)] * 2, quotas=[quota("default", 2)], decide=boundless)

    def test_one_that_starts_nothing_is_caught(self) -> None:
        def idle(pool: PoolSnapshot, carry: Carry, policy: Policy) -> Plan:
            return Plan((), {waiting.id: Waiting("Nothing starts") for waiting in pool.queue})

        with pytest.raises(Violation, match="waits for ever"):
            run(job(0, 10), decide=idle)
