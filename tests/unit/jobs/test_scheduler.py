"""The policy, as values in and values out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pileus.core.schemas.jobs import Job, JobSpec, JobStatus, Lease, Node
from pileus.core.schemas.quota import Quota, Stops
from pileus.core.schemas.resources import Capacity, Device, Resources
from pileus.jobs.plan import Plan, Policy, PoolSnapshot
from pileus.jobs.scheduler import PATIENCE, TRUST, decide
from tests.unit.jobs.policy.building import by_node, lease
from tests.unit.jobs.policy.test_quota import quota

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def make_job(number: int, *, age: float = 0.0, priority: int = 0, **resources: Any) -> Job:
    spec = JobSpec(
        kind="command",
        command=("true",),
        resources=Resources(**{"cpu": 1, "memory_mib": 100} | resources),
        priority=priority,
    )
    return Job(
        id=f"job_{number:04}",
        project="prj_1",
        created_at=NOW - timedelta(seconds=age),
        kind="command",
        name=None,
        status=JobStatus.QUEUED,
        spec=spec,
        inputs=(),
        params={},
        dataset_version=None,
        code_digest="",
        priority=priority,
        submitted_by="prn_1",
    )


def make_node(name: str = "a", *, cpu: int = 4, memory: int = 4096, gpus: int = 0) -> Node:
    devices = tuple(Device(id=f"{name}{i}", kind="h200", memory_mib=100) for i in range(gpus))
    return Node(
        id=f"nod_{name}",
        project="",
        created_at=NOW,
        name=name,
        boot_id="b",
        capacity=Capacity(cpu_milli=cpu * 1000, memory_mib=memory, devices=devices),
        seen_at=NOW,
    )


def make_lease(node: Node, devices: tuple[str, ...] = (), **resources: Any) -> Lease:
    return lease(node, Resources(**{"cpu": 1, "memory_mib": 100} | resources), *devices)


def plan(*jobs: Job, nodes: list[Node], leases: tuple[Lease, ...] = (), **more: Any) -> Plan:
    return decide(PoolSnapshot(now=NOW, nodes=nodes, held=by_node(leases), queue=jobs, **more))


def granted(plan: Plan) -> list[str]:
    return [grant.job.id for grant in plan.grants]


class TestOrder:
    def test_the_higher_priority_goes_first(self) -> None:
        first, second = make_job(1, cpu=4), make_job(2, cpu=4, priority=5)

        assert granted(plan(first, second, nodes=[make_node()])) == ["job_0002"]

    def test_equal_priorities_go_in_order_of_submission(self) -> None:
        late, early = make_job(1, age=1, cpu=4), make_job(2, age=9, cpu=4)

        assert granted(plan(late, early, nodes=[make_node()])) == ["job_0002"]

    @given(st.permutations(range(5)))
    def test_the_order_of_the_input_changes_nothing(self, order: list[int]) -> None:
        jobs = [make_job(i, age=i % 3, cpu=1 + i % 2) for i in range(5)]
        expected = plan(*jobs, nodes=[make_node("a"), make_node("b", cpu=2)])

        shuffled = plan(*(jobs[i] for i in order), nodes=[make_node("b", cpu=2), make_node("a")])

        assert granted(shuffled) == granted(expected)
        assert shuffled.waiting == expected.waiting

    def test_a_small_job_passes_a_large_one_that_must_wait(self) -> None:
        node = make_node(cpu=4)

        result = plan(
            make_job(1, cpu=4), make_job(2, cpu=1), nodes=[node], leases=(make_lease(node),)
        )

        assert granted(result) == ["job_0002"]

    def test_a_large_job_that_has_waited_long_is_not_passed_any_more(self) -> None:
        node = make_node(cpu=4)
        age = PATIENCE.total_seconds() + 1

        result = plan(
            make_job(1, cpu=4, age=age),
            make_job(2, cpu=1),
            nodes=[node],
            leases=(make_lease(node),),
        )

        assert granted(result) == []


class TestFit:
    @given(
        st.lists(st.tuples(st.integers(1, 6), st.integers(1, 3000)), max_size=12),
        st.lists(st.tuples(st.integers(1, 8), st.integers(500, 4000)), max_size=4),
    )
    def test_no_node_is_given_more_than_it_has(
        self, wishes: list[tuple[int, int]], sizes: list[tuple[int, int]]
    ) -> None:
        nodes = [make_node(f"n{i}", cpu=c, memory=m) for i, (c, m) in enumerate(sizes)]
        jobs = [make_job(i, cpu=c, memory_mib=m) for i, (c, m) in enumerate(wishes)]

        result = plan(*jobs, nodes=nodes)

        for node in nodes:
            on_node = [
                g.job.spec.resources
                for g in result.grants
                for at in g.berths
                if at.node.id == node.id
            ]
            assert sum(r.cpu_milli for r in on_node) <= node.capacity.cpu_milli
            assert sum(r.memory_mib for r in on_node) <= node.capacity.memory_mib
        assert len(result.grants) + len(result.waiting) == len(jobs)

    def test_fractions_share_one_device_and_leave_the_other_whole(self) -> None:
        result = plan(
            make_job(1, gpu=0.5),
            make_job(2, gpu=0.5),
            make_job(3, gpu=1),
            nodes=[make_node(gpus=2)],
        )

        devices = {grant.job.id: grant.berths[0].devices for grant in result.grants}
        assert devices == {"job_0001": ("a0",), "job_0002": ("a0",), "job_0003": ("a1",)}

    def test_a_fraction_does_not_fit_what_is_spread_over_two_devices(self) -> None:
        node = make_node(gpus=2)
        held = (
            make_lease(node, ("a0",), gpu=0.6),
            make_lease(node, ("a1",), gpu=0.6),
        )

        assert granted(plan(make_job(1, gpu=0.5), nodes=[node], leases=held)) == []

    def test_another_kind_of_gpu_does_not_do(self) -> None:
        result = plan(make_job(1, gpu=1, gpu_kind="a100"), nodes=[make_node(gpus=1)])

        assert granted(result) == []
        assert "gpu=1(a100)" in result.waiting["job_0001"].reason

    def test_a_named_flavour_is_counted(self) -> None:
        node = make_node()
        capacity = node.capacity.model_copy(update={"custom": {"fpga": 1}})
        node = node.model_copy(update={"capacity": capacity})
        jobs = [make_job(1, custom={"fpga": 1}), make_job(2, custom={"fpga": 1})]

        assert granted(plan(*jobs, nodes=[node])) == ["job_0001"]


class TestReasons:
    def test_without_nodes_it_says_so(self) -> None:
        assert "No node" in plan(make_job(1), nodes=[]).waiting["job_0001"].reason

    def test_what_no_node_can_ever_hold_is_told_from_what_is_busy(self) -> None:
        node = make_node(cpu=2)
        result = plan(
            make_job(1, cpu=64),
            make_job(2, cpu=2),
            nodes=[node],
            leases=(make_lease(node),),
        )

        assert "No node has cpu=64" in result.waiting["job_0001"].reason
        assert "Waits for cpu=2" in result.waiting["job_0002"].reason

    def test_nothing_starts_while_the_pool_drains(self) -> None:
        result = plan(make_job(1), nodes=[make_node()], is_draining=True)

        assert granted(result) == []
        assert "going down" in result.waiting["job_0001"].reason

    def test_a_retry_waits_for_its_time(self) -> None:
        job = make_job(1).model_copy(update={"not_before": NOW + timedelta(seconds=9)})

        assert "9 s" in plan(job, nodes=[make_node()]).waiting["job_0001"].reason


def owned(job: Job, project: str) -> Job:
    return job.model_copy(update={"project": project})


def running(node: Node, project: str, name: str, *, priority: int = 0, **resources: Any) -> Lease:
    """One that has run for an hour."""
    return make_lease(node, **resources).model_copy(
        update={
            "project": project,
            "job": name,
            "priority": priority,
            "created_at": NOW - timedelta(hours=1),
            "micro_per_hour": 100,
        }
    )


def under(*quotas: Quota, leases: Iterable[Lease] = (), **values: Any) -> Plan:
    pool: dict[str, Any] = {"now": NOW, "held": by_node(leases), "queue": ()} | values
    return decide(PoolSnapshot(**pool), policy=Policy(quotas))


BIG = make_node("big", cpu=64, memory=64_000)


class TestQuota:
    def test_a_project_holds_no_more_than_its_quota(self) -> None:
        jobs = [owned(make_job(number), "a") for number in range(5)]

        result = under(quota("a", 3000, cohort=None), nodes=[BIG], queue=jobs)

        assert granted(result) == ["job_0000", "job_0001", "job_0002"]
        assert "Waits for quota: cpu=1" in result.waiting["job_0003"].reason

    def test_what_can_never_be_held_is_told_from_what_is_held_now(self) -> None:
        result = under(
            quota("a", 3000, cohort=None), nodes=[BIG], queue=[owned(make_job(1, cpu=4), "a")]
        )

        assert "may never hold cpu=4" in result.waiting["job_0001"].reason

    def test_nominal_quota_goes_first_whatever_the_priority_of_who_borrows(self) -> None:
        greedy = [owned(make_job(number, priority=9, cpu=2), "a") for number in range(4)]
        modest = [owned(make_job(number, cpu=2), "b") for number in range(4, 6)]

        result = under(quota("a", 4000), quota("b", 4000), nodes=[BIG], queue=greedy + modest)

        assert granted(result) == ["job_0000", "job_0001", "job_0004", "job_0005"]

    def test_who_borrows_takes_turns_by_dominant_share(self) -> None:
        queue = [owned(make_job(number), "ab"[number % 2]) for number in range(12)]
        quotas = (quota("a", 0), quota("b", 0, weight=2), quota("c", 6000))

        result = under(*quotas, nodes=[BIG], queue=queue)

        owners = [grant.job.project for grant in result.grants]
        assert (owners.count("a"), owners.count("b")) == (2, 4)

    def test_a_project_without_a_quota_is_as_before(self) -> None:
        queue = [owned(make_job(number), "z") for number in range(5)]

        assert len(under(quota("a", 0), nodes=[BIG], queue=queue).grants) == 5

    def test_small_jobs_do_not_keep_quota_from_a_large_one_for_ever(self) -> None:
        age = PATIENCE.total_seconds() + 1
        large, small = owned(make_job(1, cpu=4, age=age), "a"), owned(make_job(2), "a")
        held = running(BIG, "a", "job_x", cpu=2)

        result = under(
            quota("a", 4000, cohort=None), nodes=[BIG], leases=[held], queue=[large, small]
        )

        assert granted(result) == []

    def test_large_jobs_do_not_keep_their_quotas_from_each_other_for_ever(self) -> None:
        age = PATIENCE.total_seconds() + 1
        queue = [owned(make_job(n, cpu=8, age=age), project) for n, project in enumerate("abc")]
        node = make_node("big", cpu=12, memory=64_000)

        result = under(*[quota(project, 4000) for project in "abc"], nodes=[node], queue=queue)

        assert granted(result) == ["job_0000"]

    @given(
        st.lists(
            st.tuples(st.sampled_from("abz"), st.integers(1, 4), st.integers(0, 2), st.booleans()),
            max_size=14,
        ),
        st.permutations(range(14)),
    )
    def test_quota_is_kept_and_the_order_of_the_input_changes_nothing(self, asked, order) -> None:
        jobs = [
            owned(make_job(number, cpu=cpu, priority=level, age=100 * is_old), project)
            for number, (project, cpu, level, is_old) in enumerate(asked)
        ]
        quotas = (quota("a", 4000, borrow=2000), quota("b", 4000, lend=1000))
        node = make_node("big", cpu=12, memory=64_000)

        result = under(*quotas, nodes=[node], queue=jobs)
        shuffled = under(
            *reversed(quotas), nodes=[node], queue=[jobs[n] for n in order if n < len(jobs)]
        )

        assert granted(shuffled) == granted(result)
        assert shuffled.waiting == result.waiting
        held = dict.fromkeys("abz", 0)
        for grant in result.grants:
            held[grant.job.project] += grant.job.spec.resources.cpu_milli
        assert held["a"] <= 5000  # b lends 1000
        assert held["a"] + held["b"] <= 8000
        assert len(result.grants) + len(result.waiting) == len(jobs)


class TestPreemption:
    QUOTAS = (quota("a", 4000, reclaim=Stops.ANY, preempt=Stops.LOWER), quota("b", 4000))

    def test_who_borrows_makes_room_and_the_room_is_kept(self) -> None:
        held = [running(BIG, "b", f"job_b{number}", cpu=2) for number in range(4)]
        wanted, late = owned(make_job(1, cpu=2), "a"), owned(make_job(2, cpu=2), "b")

        first = under(*self.QUOTAS, nodes=[BIG], leases=held, queue=[wanted, late])
        victims = {one.victim for one in first.preemptions}
        second = under(
            *self.QUOTAS,
            nodes=[BIG],
            leases=held,
            queue=[wanted, late],
            stopping=frozenset(victims),
            promises=first.promises,
        )
        third = under(
            *self.QUOTAS,
            nodes=[BIG],
            leases=[one for one in held if one.job not in victims],
            queue=[wanted, late],
            promises=second.promises,
        )

        assert (granted(first), victims) == ([], {"job_b0"})
        assert "Room is being made" in first.waiting[wanted.id].reason
        assert (granted(second), second.preemptions) == ([], ())
        assert (granted(third), third.promises) == ([wanted.id], {})

    def test_room_on_a_node_is_kept_too(self) -> None:
        node = make_node("n", cpu=4)
        quotas = (quota("a", 9000, preempt=Stops.LOWER), quota("b", 9000))
        held = [running(node, "a", f"job_a{number}", cpu=2) for number in range(2)]
        wanted = owned(make_job(1, cpu=4, priority=5), "a")
        passing = make_job(2, cpu=2)

        first = under(*quotas, nodes=[node], leases=held, queue=[wanted])
        half = under(
            *quotas,
            nodes=[node],
            leases=held[1:],
            queue=[wanted, passing],
            stopping=frozenset({"job_a1"}),
            promises=first.promises,
        )

        assert len(first.preemptions) == 2
        assert (granted(half), half.promises) == ([], first.promises)

    def test_a_promise_that_can_not_be_kept_is_dropped(self) -> None:
        node = make_node("n", cpu=4)
        held = [running(node, "a", "job_a", cpu=4)]
        wanted = owned(make_job(1, cpu=4), "a")

        result = under(
            *self.QUOTAS,
            nodes=[node],
            leases=held,
            queue=[wanted],
            promises={wanted.id: (node.id,)},
        )

        assert (granted(result), result.promises, result.preemptions) == ([], {}, ())

    def test_what_stops_anyway_is_waited_for(self) -> None:
        held = [running(BIG, "b", f"job_b{number}", cpu=2) for number in range(4)]
        wanted = owned(make_job(1, cpu=2), "a")

        result = under(
            *self.QUOTAS,
            nodes=[BIG],
            leases=held,
            queue=[wanted],
            stopping=frozenset({"job_b3"}),
        )

        assert (result.preemptions, list(result.promises)) == ((), [wanted.id])

    def test_without_quotas_nobody_makes_room(self) -> None:
        node = make_node(cpu=1)

        result = under(
            nodes=[node], leases=[running(node, "z", "job_z")], queue=[make_job(1, priority=9)]
        )

        assert result.preemptions == ()


class TestBackfill:
    """One node of 4 processors; 3 of them are held for 100 s more at most; `large` wants all 4."""

    NODE = make_node(cpu=4)
    HELD = running(NODE, "prj_1", "job_held", cpu=3).model_copy(
        update={"timeout_ms": (3600 + 100) * 1000}
    )
    LARGE = make_job(1, cpu=4)

    def timed(self, number: int, seconds: float) -> Job:
        job = make_job(number, cpu=1)
        spec = job.spec.model_copy(update={"timeout_seconds": seconds})
        return job.model_copy(update={"spec": spec})

    def test_only_what_ends_in_time_passes(self) -> None:
        queue = [self.LARGE, self.timed(2, 101), self.timed(3, 100)]

        result = under(nodes=[self.NODE], leases=[self.HELD], queue=queue)

        assert granted(result) == ["job_0003"]

    def test_what_fits_no_node_keeps_nothing_from_others(self) -> None:
        impossible = make_job(9, cpu=64, priority=9)
        queue = [impossible, self.LARGE, self.timed(2, 101)]

        result = under(nodes=[self.NODE], leases=[self.HELD], queue=queue)

        assert granted(result) == []
        assert result.waiting[self.LARGE.id].eta == NOW + timedelta(seconds=100)
        assert "No node has" in result.waiting[impossible.id].reason

    def test_what_fits_beside_passes(self) -> None:
        node = make_node(cpu=5)
        queue = [self.LARGE, make_job(2, cpu=1), make_job(3, cpu=1)]

        result = under(nodes=[node], leases=[self.HELD], queue=queue)

        assert granted(result) == ["job_0002"]

    def test_the_first_that_waits_knows_when_it_starts(self) -> None:
        result = under(nodes=[self.NODE], leases=[self.HELD], queue=[self.LARGE])

        waiting = result.waiting[self.LARGE.id]
        assert (waiting.eta, waiting.after) == (NOW + timedelta(seconds=100), "job_held")

    def test_a_job_of_another_project_is_not_named(self) -> None:
        queue = [owned(self.LARGE, "other")]

        waiting = under(nodes=[self.NODE], leases=[self.HELD], queue=queue).waiting[self.LARGE.id]

        assert waiting.eta is not None
        assert waiting.after is None

    def test_after_a_while_expectations_are_not_trusted_any_more(self) -> None:
        old = make_job(1, cpu=4, age=TRUST.total_seconds())

        result = under(nodes=[self.NODE], leases=[self.HELD], queue=[old, self.timed(2, 1)])

        assert granted(result) == []
        assert result.waiting[old.id].eta is not None

    @given(
        st.lists(
            st.tuples(st.integers(1, 4), st.sampled_from([None, 30.0, 90.0, 500.0])), max_size=10
        )
    )
    def test_nobody_delays_the_first(self, others: list[tuple[int, float | None]]) -> None:
        """When the time of its reservation has come, there is room for it."""
        node = make_node(cpu=6)
        queue = [self.LARGE.model_copy(update={"priority": 9})]
        for number, (cpu, seconds) in enumerate(others, 2):
            job = make_job(number, cpu=cpu)
            spec = job.spec.model_copy(update={"timeout_seconds": seconds})
            queue.append(job.model_copy(update={"spec": spec}))

        result = under(nodes=[node], leases=[self.HELD], queue=queue)

        eta = result.waiting[self.LARGE.id].eta
        assert eta is not None
        staying = [
            grant.job.spec.resources.cpu
            for grant in result.grants
            if grant.job.spec.timeout_seconds is None
            or NOW + timedelta(seconds=grant.job.spec.timeout_seconds) > eta
        ]
        assert sum(staying) <= 6 - 4


def sandboxed(job: Job) -> Job:
    return job.model_copy(update={"spec": job.spec.model_copy(update={"sandbox": True})})


def with_sandbox(node: Node) -> Node:
    capacity = node.capacity.model_copy(update={"sandbox": True})
    return node.model_copy(update={"capacity": capacity})


class TestSandbox:
    def test_a_job_that_asks_for_one_goes_where_there_is_one(self) -> None:
        nodes = [make_node("a"), with_sandbox(make_node("b")), make_node("c")]

        [grant] = plan(sandboxed(make_job(1)), nodes=nodes).grants

        assert grant.nodes == "b"

    def test_it_waits_for_that_node_and_for_no_other(self) -> None:
        full = with_sandbox(make_node("b"))

        found = plan(
            sandboxed(make_job(1)), nodes=[make_node("a"), full], leases=(make_lease(full, cpu=4),)
        )

        assert found.grants == ()
        assert found.waiting["job_0001"].reason.startswith("Waits for cpu=1")

    def test_without_any_it_is_held_and_told_what_to_install(self) -> None:
        found = plan(sandboxed(make_job(1)), nodes=[make_node()])

        assert found.grants == ()
        assert "no node that answers can make one" in found.waiting["job_0001"].reason
        assert "bubblewrap" in (found.waiting["job_0001"].hint or "")

    def test_a_job_that_does_not_ask_goes_anywhere(self) -> None:
        assert granted(plan(make_job(1), nodes=[make_node()])) == ["job_0001"]
