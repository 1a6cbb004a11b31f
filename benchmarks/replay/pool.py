"""A pool without a database: what the scheduler's snapshots are made from, and what plans change.

The part of `PoolMirror` and of the engine that is left when nothing is stored: which jobs a decision is
about is chosen by the same `Line`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from benchmarks.replay.workload import Submission
from pileus.core.schemas.jobs import Job, JobSpec, JobStatus, Lease, Node
from pileus.core.schemas.resources import MILLI, Capacity
from pileus.jobs.line import Lane, Line, Waiter
from pileus.jobs.plan import Carry, Grant, Plan, Policy, PoolSnapshot
from pileus.jobs.policy.demand import Asked, Shape
from pileus.jobs.policy.ending import likeness_of
from pileus.jobs.policy.ordering import Order, size_of
from pileus.jobs.policy.prediction import History
from pileus.jobs.policy.quota import Quotas, amounts_of, total

_MICRO_PER_GPU_HOUR = 1_000_000
"""What a GPU costs, or what counts as much: of victims, the one is stopped that loses the least."""


class Pool:
    """Nodes, what runs on them, and what waits."""

    def __init__(self, nodes: Sequence[Capacity], policy: Policy, start: datetime) -> None:
        self.nodes = [_node(number, capacity, start) for number, capacity in enumerate(nodes)]
        self.policy = policy
        self.carry = Carry(History())
        self.carry.spaces.update(self.nodes, {})
        self._held: dict[str, tuple[Lease, ...]] = {}
        self._leases: dict[str, tuple[Lease, ...]] = {}
        self._line = Line()
        self._waiting: dict[str, Job] = {}
        self._ran: dict[str, float] = {}
        self._stopping: set[str] = set()
        self._promises: dict[str, tuple[str, ...]] = {}
        self._limited = {quota.project for quota in policy.quotas}
        self._never = Quotas(policy.quotas)
        self._is_of_gpus = any(capacity.devices for capacity in nodes)
        self.held_milli = 0
        """Thousandths that are held, as `size` counts them."""

    @property
    def has_waiting(self) -> bool:
        """Whether any job waits."""
        return bool(self._waiting)

    @property
    def first_waiting(self) -> str:
        """The one that waits and came first."""
        return min(self._waiting)

    @property
    def held(self) -> list[Lease]:
        """All leases."""
        return [lease for leases in self._leases.values() for lease in leases]

    @property
    def size(self) -> int:
        """Thousandths of GPUs that the pool has; of processors, if it has no GPU."""
        capacities = [node.capacity for node in self.nodes]
        if self._is_of_gpus:
            return sum(len(capacity.devices) for capacity in capacities) * MILLI
        return sum(capacity.cpu_milli for capacity in capacities)

    def _milli(self, job: Job) -> int:
        asked = job.spec.resources
        return (asked.gpu_milli if self._is_of_gpus else asked.cpu_milli) * job.spec.gang

    def on(self, node: str) -> Sequence[Lease]:
        """Leases on a node."""
        return self._held.get(node, ())

    def could_ever_run(self, job: Submission) -> bool:
        """Whether the idle pool, and all quota that its project may have, are enough for it."""
        asked = Asked(Shape.of(job.resources), job.gang)
        amounts = total([amounts_of(job.resources)] * job.gang)
        has_quota = self._never.never(job.project, amounts) is None
        return has_quota and self.carry.spaces.idle.has_room(asked)

    def submit(self, job: Job) -> None:
        """It waits."""
        asked = Asked(Shape.of(job.spec.resources), job.spec.gang)
        ran = self._ran.get(job.id, 0.0)
        lane = Lane(job.priority, job.project, job.code_digest, asked, asked.shape, ran)
        self._line.put(Waiter(job.created_at, job.id, lane))
        self._waiting[job.id] = job

    def snapshot(self, now: datetime) -> PoolSnapshot:
        """What a decision is made from."""
        carry, held = self.carry, dict(self._held)
        carry.spaces.update(self.nodes, held)
        known = (carry.ranks, carry.history, held, now, self._ran)
        chosen = self._line.chosen(
            now,
            carry.spaces.now.may_hold(self._line.asked),
            carry.spaces.idle.may_hold(self._line.asked),
            self._limited,
            self._promises,
            Order(*known, by_rank=self.policy.by_rank),
        )
        return PoolSnapshot(
            now=now,
            nodes=self.nodes,
            held=held,
            queue=[self._waiting[job] for job in chosen],
            stopping=frozenset(self._stopping),
            promises=self._promises,
            ran=dict(self._ran),
        )

    def apply(self, plan: Plan, now: datetime) -> None:
        """Grants hold what they name, and victims are asked to stop."""
        self._promises = dict(plan.promises)
        self._stopping |= {preemption.victim for preemption in plan.preemptions}
        for grant in plan.grants:
            self._grant(grant, now)

    def _grant(self, grant: Grant, now: datetime) -> None:
        job = grant.job
        self._line.drop(job.id)
        self._ran.pop(job.id, None)
        del self._waiting[job.id]
        leases = self._leases[job.id] = tuple(
            Lease(
                id=f"lse_{job.id}_{rank}",
                project=job.project,
                created_at=now,
                attempt=f"att_{job.id}_{rank}",
                job=job.id,
                node=berth.node.id,
                token="",
                resources=job.spec.resources,
                devices=berth.devices,
                expires_at=now,
                metered_until=now,
                priority=job.priority,
                code_digest=job.code_digest,
                micro_per_hour=round(size_of(Shape.of(job.spec.resources)) * _MICRO_PER_GPU_HOUR),
            )
            for rank, berth in enumerate(grant.berths)
        )
        for lease in leases:
            self._held[lease.node] = (*self.on(lease.node), lease)
        self.held_milli += self._milli(job)

    def stop(self, job: Job, ran_seconds: float) -> None:
        """It has made room, and waits again; all its attempts together ran for so long."""
        self._release(job)
        self._ran[job.id] = ran_seconds
        self.submit(job)

    def end(self, job: Job, now: datetime, *, teaches: bool) -> None:
        """It has ended, which teaches how long such jobs take if it was its first attempt."""
        lease = self._release(job)[0]
        if teaches:
            likeness = likeness_of(job.project, job.code_digest, Shape.of(lease.resources))
            self.carry.history.learn(likeness, (now - lease.created_at).total_seconds())

    def _release(self, job: Job) -> tuple[Lease, ...]:
        self._stopping.discard(job.id)
        leases = self._leases.pop(job.id)
        for node in {lease.node for lease in leases}:
            self._held[node] = tuple(lease for lease in self._held[node] if lease.job != job.id)
            if not self._held[node]:
                del self._held[node]
        self.held_milli -= self._milli(job)
        return leases


def _node(number: int, capacity: Capacity, start: datetime) -> Node:
    return Node(
        id=f"nod_{number:05}",
        project="",
        created_at=start,
        name=f"node-{number:05}",
        boot_id="",
        capacity=capacity,
        seen_at=start,
    )


def as_job(number: int, wanted: Submission, created_at: datetime) -> Job:
    """What the scheduler is told of it. Ids sort as jobs came."""
    spec = JobSpec(
        kind="command",
        command=("true",),
        resources=wanted.resources,
        gang=wanted.gang,
        priority=wanted.priority,
    )
    return Job(
        id=f"job_{number:07}",
        project=wanted.project,
        created_at=created_at,
        kind="command",
        name=None,
        status=JobStatus.QUEUED,
        spec=spec,
        inputs=(),
        params={},
        dataset_version=None,
        code_digest=wanted.code,
        priority=wanted.priority,
        submitted_by="",
    )
