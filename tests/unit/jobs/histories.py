"""Pools as one after the other is seen: nodes come, go and change, jobs come, start, stop and end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pileus.core.schemas.jobs import Job, JobSpec, JobStatus, Lease, Node
from pileus.core.schemas.quota import Limit, Quota, Stops
from pileus.core.schemas.resources import Capacity, Device, Resources
from pileus.jobs.plan import Plan, Policy, PoolSnapshot
from tests.unit.jobs.policy.building import NOW, by_node

KINDS = ("nvidia-t4", "nvidia-h200")


@dataclass
class History:
    """A pool and what has become of it so far."""

    chance: random.Random
    now: datetime = NOW
    nodes: list[Node] = field(default_factory=list)
    silent: list[Node] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)
    queue: list[Job] = field(default_factory=list)
    stopping: set[str] = field(default_factory=set)
    promises: dict[str, tuple[str, ...]] = field(default_factory=dict)
    count: int = 0

    def pools(self, steps: int) -> Iterator[PoolSnapshot]:
        """What is seen after each step; `apply` what was decided in between."""
        for _ in range(steps):
            self._step()
            yield PoolSnapshot(
                now=self.now,
                nodes=self.chance.sample(self.nodes, len(self.nodes)),
                held=by_node(self.chance.sample(self.leases, len(self.leases))),
                queue=self.chance.sample(self.queue, len(self.queue)),
                silent=list(self.silent),
                stopping=frozenset(self.stopping),
                promises=dict(self.promises),
            )

    def apply(self, plan: Plan) -> None:
        """Let it be so."""
        for grant in plan.grants:
            self.queue.remove(grant.job)
            for rank, (node, devices) in enumerate(grant.berths):
                self.leases.append(self._lease(grant.job, rank, node, devices))
        self.stopping |= {one.victim for one in plan.preemptions}
        self.promises = dict(plan.promises)

    def _step(self) -> None:
        chance = self.chance
        self.now += timedelta(seconds=chance.choice((0.1, 5, 70)))
        if not self.nodes or chance.random() < 0.3:
            self.nodes.append(self._node(f"n{chance.randrange(100):02}-{self._next()}"))
        if len(self.nodes) > 1 and chance.random() < 0.15:
            self.silent.append(self.nodes.pop(chance.randrange(len(self.nodes))))
        if self.silent and chance.random() < 0.3:
            self.nodes.append(self.silent.pop())
        for place, node in enumerate(self.nodes):
            if chance.random() < 0.3:
                self.nodes[place] = node.model_copy(update={"seen_at": self.now})
            elif chance.random() < 0.05:
                changed = self._node(node.name).capacity
                self.nodes[place] = node.model_copy(update={"capacity": changed})
        for place, lease in enumerate(self.leases):
            if chance.random() < 0.3:
                self.leases[place] = lease.model_copy(update={"expires_at": self.now})
        ended = [x for x in self.leases if chance.random() < (0.5 if self._stops(x) else 0.2)]
        self.leases = [lease for lease in self.leases if lease not in ended]
        self.stopping &= {lease.job for lease in self.leases}
        self.queue += [self._job() for _ in range(chance.randrange(8))]

    def _stops(self, lease: Lease) -> bool:
        return lease.job in self.stopping

    def _next(self) -> int:
        self.count += 1
        return self.count

    def _node(self, name: str) -> Node:
        chance = self.chance
        devices = tuple(
            Device(id=f"{number}", kind=chance.choice(KINDS), memory_mib=100)
            for number in range(chance.choice((0, 0, 2, 4)))
        )
        capacity = Capacity(
            cpu_milli=chance.choice((4000, 8000)),
            memory_mib=8192,
            devices=devices,
            sandbox=chance.random() < 0.5,
            custom={"fpga": 1} if chance.random() < 0.3 else {},
        )
        return Node(
            id=f"nod_{name}",
            project="",
            created_at=NOW,
            name=name,
            boot_id="b",
            capacity=capacity,
            seen_at=self.now,
        )

    def _job(self) -> Job:
        chance, number = self.chance, self._next()
        gpu = chance.choice((0, 0, 0.25, 0.5, 1, 2, 4))
        resources = Resources(
            cpu=chance.choice((0.5, 1, 2, 4)),
            memory_mib=chance.choice((100, 2000)),
            gpu=gpu,
            gpu_kind="h200" if gpu and chance.random() < 0.3 else None,
            custom={"fpga": 1} if chance.random() < 0.1 else {},
        )
        gang = chance.choice((1, 1, 1, 2, 3))
        spec = JobSpec(
            kind="command",
            command=("true",),
            resources=resources,
            priority=chance.choice((0, 0, 5)),
            gang=gang,
            sandbox=gang == 1 and chance.random() < 0.1,
            timeout_seconds=chance.choice((None, 30.0, 500.0)),
        )
        return Job(
            id=f"job_{number:05}",
            project=chance.choice(("prj_1", "prj_2", "prj_3")),
            created_at=self.now,
            kind="command",
            name=None,
            status=JobStatus.QUEUED,
            spec=spec,
            inputs=(),
            params={},
            dataset_version=None,
            code_digest="",
            priority=spec.priority,
            submitted_by="prn_1",
        )

    def _lease(self, job: Job, rank: int, node: Node, devices: tuple[str, ...]) -> Lease:
        timeout = job.spec.timeout_seconds
        return Lease(
            id=f"lse_{job.id}_{rank}",
            project=job.project,
            created_at=self.now,
            attempt=f"att_{job.id}_{rank}",
            job=job.id,
            node=node.id,
            token="t",
            resources=job.spec.resources,
            devices=devices,
            expires_at=self.now,
            metered_until=self.now,
            priority=job.priority,
            code_digest=job.code_digest,
            timeout_ms=None if timeout is None else round(timeout * 1000),
            micro_per_hour=1000 * job.spec.resources.cpu_milli,
        )


QUOTAS = Policy(
    tuple(
        Quota(
            id=f"quo_{project}",
            project=project,
            created_at=NOW,
            cohort="team",
            limits={"cpu_milli": Limit(nominal=6000), "gpu_milli": Limit(nominal=2000)},
            reclaim=Stops.ANY,
            preempt=Stops.LOWER,
        )
        for project in ("prj_1", "prj_2")
    )
)
"""Two projects that lend to each other; the third has no quota."""
