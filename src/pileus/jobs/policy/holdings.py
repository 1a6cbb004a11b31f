"""What runs and counts against a quota, job by job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from pileus.core.schemas.jobs import Lease, Node
from pileus.jobs.policy.quota import Amounts, Quotas, amounts_of, total


class Holding(NamedTuple):
    """A job that runs, and what is lost when it stops: of a gang all members do."""

    leases: tuple[Lease, ...]
    amounts: Amounts
    ran_seconds: float

    @property
    def job(self) -> str:
        return self.leases[0].job

    @property
    def project(self) -> str:
        return self.leases[0].project

    @property
    def lost_micro(self) -> float:
        """Micro-units: what it has run, at its price."""
        return self.ran_seconds * sum(lease.micro_per_hour or 0 for lease in self.leases) / 3600

    @property
    def priority(self) -> int:
        return self.leases[0].priority or 0


def holdings_of(
    leases: Iterable[Lease], nodes: Iterable[Node], quotas: Quotas, now: datetime
) -> list[Holding]:
    """What runs and counts against a quota."""
    if not quotas.of:
        return []
    kinds = {
        (node.id, device.id): device.kind for node in nodes for device in node.capacity.devices
    }

    def amounts(lease: Lease) -> Amounts:
        held = [(lease.node, device) for device in lease.devices]
        of_devices = [kinds[device] for device in held if device in kinds]
        return amounts_of(lease.resources, of_devices or None)

    jobs: dict[str, list[Lease]] = defaultdict(list)
    for lease in leases:
        if lease.project in quotas.of:
            jobs[lease.job].append(lease)
    return [
        Holding(tuple(held), total(map(amounts, held)), (now - held[0].created_at).total_seconds())
        for held in jobs.values()
    ]
