"""The policy, as values in and values out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pileus.core.schemas.jobs import Job, JobSpec, JobStatus, Lease, Node
from pileus.core.schemas.resources import Capacity, Device, Resources
from pileus.jobs.scheduler import PATIENCE, Plan, PoolSnapshot, decide
from tests.unit.jobs.policy.building import lease

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
    return decide(PoolSnapshot(now=NOW, nodes=nodes, leases=leases, queue=jobs, **more))


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
            on_node = [g.job.spec.resources for g in result.grants if g.node.id == node.id]
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

        devices = {grant.job.id: grant.devices for grant in result.grants}
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


def sandboxed(job: Job) -> Job:
    return job.model_copy(update={"spec": job.spec.model_copy(update={"sandbox": True})})


def with_sandbox(node: Node) -> Node:
    capacity = node.capacity.model_copy(update={"sandbox": True})
    return node.model_copy(update={"capacity": capacity})


class TestSandbox:
    def test_a_job_that_asks_for_one_goes_where_there_is_one(self) -> None:
        nodes = [make_node("a"), with_sandbox(make_node("b")), make_node("c")]

        [grant] = plan(sandboxed(make_job(1)), nodes=nodes).grants

        assert grant.node.name == "b"

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
