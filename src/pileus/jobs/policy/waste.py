"""
How much of a node's free GPUs is of no use to the jobs that are to be expected.

Two causes are added. Pieces that are too small, or on a node without the processors and memory for
the job: expected fragmentation, as in Weng et al., Beware of Fragmentation: Scheduling GPU-Sharing
Workloads with Fragmentation Gradient Descent (USENIX ATC 2023). And GPUs that the node's processors
or memory will run out for, if jobs bring the average of them along: a job may fit now, and as many
as there are GPUs for do not.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate

from pileus.jobs.policy.demand import Demand
from pileus.jobs.policy.devices import Devices, Left, usable_devices


class Outlook:
    """The demand, as far as nodes with devices of these kinds can meet it."""

    def __init__(self, demand: Demand, kinds: tuple[str, ...]) -> None:
        self.demand = demand
        self._kinds = kinds
        self._are_alike = len(set(kinds)) == 1
        met = [one for one in demand.expected if self._could_have(one.shape.of_devices)]
        self.met = sorted(met, key=lambda one: one.shape.cpu_milli)
        self.processors = [one.shape.cpu_milli for one in self.met]
        self.most_memory_mib = max((one.shape.memory_mib for one in self.met), default=0)
        self.wanted = tuple({one.shape.of_devices: None for one in self.met})
        self._prospects: dict[Left, Prospect] = {}

    def of(self, left: Left) -> Prospect:
        """What is to be expected of these devices."""
        if self._are_alike:  # then their order does not matter, and few arrangements remain
            left = tuple(sorted(left))
        prospect = self._prospects.get(left)
        if prospect is None:
            prospect = self._prospects[left] = Prospect(self, left)
        return prospect

    def _could_have(self, wanted: Devices) -> bool:
        return len(usable_devices(self._kinds, wanted.kind)) >= wanted.number

    def useful(self, wanted: Devices, left: Left) -> int:
        """Thousandths in the devices that are large enough, if there are enough of them."""
        if self._are_alike:
            large = left[bisect_left(left, wanted.milli) :]
        else:
            large = tuple(
                left[place]
                for place in usable_devices(self._kinds, wanted.kind)
                if left[place] >= wanted.milli
            )
        return sum(large) if len(large) >= wanted.number else 0


class Prospect:
    """Devices with so much left, on nodes that differ in processors and memory."""

    def __init__(self, outlook: Outlook, left: Left) -> None:
        useful = {wanted: outlook.useful(wanted, left) for wanted in outlook.wanted}
        shares = [one.share * useful[one.shape.of_devices] for one in outlook.met]
        self.gpu_milli = sum(left)
        self._outlook = outlook
        self._useful = [0.0, *accumulate(shares)]
        """Thousandths that are of use, up to the job that needs the most processors."""

    def waste(self, cpu_milli: int, memory_mib: int) -> float:
        """Thousandths of GPUs that are not expected to be used beside so much of the rest."""
        total = self.gpu_milli
        if not total:
            return 0.0
        outlook = self._outlook
        end = bisect_right(outlook.processors, cpu_milli)
        expected = self._useful[end]
        if memory_mib < outlook.most_memory_mib:
            for number in range(end):
                if outlook.met[number].shape.memory_mib > memory_mib:
                    expected -= self._useful[number + 1] - self._useful[number]
        fed = outlook.demand.fed(cpu_milli, memory_mib)
        return total - expected + (total - fed if total > fed else 0.0)
