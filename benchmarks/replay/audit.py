"""What must hold of every plan and of the pool after it, counted apart from the code that plans."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from pileus.core.schemas.jobs import Lease, Node
from pileus.core.schemas.quota import Quota
from pileus.core.schemas.resources import MILLI
from pileus.jobs.plan import Grant, Plan, PoolSnapshot
from pileus.jobs.policy.devices import usable_devices
from pileus.jobs.policy.holdings import Holding
from pileus.jobs.policy.quota import Quotas


class Violation(Exception):
    """A plan breaks what the scheduler promises: a fault of the scheduler, never of the workload."""


def check_plan(pool: PoolSnapshot, plan: Plan) -> None:
    """Each job of the queue starts with all its members or is told why it waits; who is asked to
    stop runs. Raises Violation."""
    waiting = Counter(job.id for job in pool.queue)
    answered = Counter([*plan.waiting, *(grant.job.id for grant in plan.grants)])
    if answered != waiting:
        odd = sorted((answered - waiting) + (waiting - answered))
        raise Violation(f"not each job that waits is answered once: {odd[0]}")
    nodes = {node.id for node in pool.nodes}
    for grant in plan.grants:
        _check_grant(grant, nodes)
    if not plan.promises.keys() <= plan.waiting.keys():
        raise Violation("room is promised to a job that does not wait")
    running = {lease.job for lease in pool.leases} - pool.stopping
    for preemption in plan.preemptions:
        if preemption.victim not in running:
            raise Violation(f"{preemption.victim} is to stop, and does not run or stops already")
        if preemption.winner.id not in plan.promises:
            raise Violation(f"{preemption.victim} is to stop for a job that is promised nothing")
        running.discard(preemption.victim)


def _check_grant(grant: Grant, nodes: set[str]) -> None:
    job, berths = grant.job, grant.berths
    if len(berths) != job.spec.gang:
        raise Violation(f"{job.id} has {len(berths)} members started of {job.spec.gang}")
    for berth in berths:
        if berth.node.id not in nodes:
            raise Violation(f"{job.id} starts on {berth.node.id}, which is not there")
        resources = job.spec.resources
        kinds = {device.id: device.kind for device in berth.node.capacity.devices}
        number = -(-resources.gpu_milli // MILLI)
        has = [kinds.get(device, "?") for device in set(berth.devices)]
        if not number == len(has) == len(berth.devices):
            raise Violation(f"{job.id} wants {number} devices and has {list(berth.devices)}")
        if len(usable_devices(tuple(has), resources.gpu_kind)) != number:
            raise Violation(f"{job.id} wants {resources.gpu_kind} and has {has}")


def check_node(node: Node, leases: Iterable[Lease]) -> None:
    """No more is held than the node has, of each device as well. Raises Violation."""
    left: Counter[str] = Counter(
        cpu_milli=node.capacity.cpu_milli,
        memory_mib=node.capacity.memory_mib,
        **{f"custom:{name}": amount for name, amount in node.capacity.custom.items()},
        **{f"device {device.id}": MILLI for device in node.capacity.devices},
    )
    for lease in leases:
        resources = lease.resources
        left["cpu_milli"] -= resources.cpu_milli
        left["memory_mib"] -= resources.memory_mib
        for name, amount in resources.custom.items():
            left[f"custom:{name}"] -= amount
        for device in lease.devices:
            left[f"device {device}"] -= min(resources.gpu_milli, MILLI)
    for name, amount in left.items():
        if amount < 0:
            raise Violation(f"{node.name} has {-amount} of {name} less than is held there")


def check_quotas(quotas: Sequence[Quota], holdings: Iterable[Holding]) -> None:
    """No project holds more than it may, and no cohort more than is lent. Raises Violation."""
    known = Quotas(quotas)
    used: dict[tuple[str, str], int] = defaultdict(int)
    for held in holdings:
        for resource, amount in known.limited(held.project, held.amounts).items():
            used[held.project, resource] += amount
    lent: Counter[tuple[str, str]] = Counter()
    for quota in quotas:
        for resource, limit in quota.limits.items():
            has = used[quota.project, resource]
            lending = limit.nominal if limit.lending is None else min(limit.lending, limit.nominal)
            if limit.borrowing is not None and has > limit.nominal + limit.borrowing:
                raise Violation(f"{quota.project} holds {has} of {resource}, beyond its quota")
            beyond = max(0, has - (limit.nominal - lending))
            lent[quota.cohort or f"only {quota.project}", resource] += beyond - lending
    for (cohort, resource), amount in lent.items():
        if amount > 0:
            raise Violation(f"{cohort} holds {amount} of {resource} more than its quotas")
