"""What is replayed: jobs as they came, and the pool that they come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from pileus.core.schemas.quota import Quota
from pileus.core.schemas.resources import MILLI, Capacity, Device, Resources

MOST_NODES = 10_000
"""A pool is not made larger than this to hold a load."""


class BadInput(Exception):
    """Something that was given cannot be replayed; the message says what to do next."""


class Submission(NamedTuple):
    """A job: when it comes, for how long it runs if nobody stops it, and what it asks for."""

    arrived: float
    """Seconds after the start."""

    seconds: float
    resources: Resources
    """Of each member."""

    gang: int = 1
    project: str = "default"
    priority: int = 0
    code: str = ""
    """What it runs, in a word: jobs with the same are expected to take alike."""

    @property
    def gpu_milli(self) -> int:
        """Thousandths of GPUs of all members."""
        return self.resources.gpu_milli * self.gang


@dataclass(frozen=True)
class Workload:
    """Jobs in the order in which they come, and the nodes and quotas that they meet."""

    jobs: Sequence[Submission]
    nodes: Sequence[Capacity]
    quotas: Sequence[Quota] = ()


def uniform_node(cpus: int, gib: int, gpus: int, kind: str = "gpu") -> Capacity:
    """A node whose GPUs are all of one kind."""
    devices = tuple(Device(id=f"{number}", kind=kind, memory_mib=0) for number in range(gpus))
    return Capacity(cpu_milli=cpus * MILLI, memory_mib=gib * 1024, devices=devices)


def spread(gpus: int, most: int) -> tuple[int, int]:
    """Members, and GPUs of each, of a job that wants so many on nodes that have `most`.

    Where they cannot be shared out evenly, each member has a whole node.
    """
    members = -(-gpus // most)
    return members, gpus // members if gpus % members == 0 else most


def in_turn(jobs: Iterable[Submission], most: int | None = None) -> list[Submission]:
    """The first of them by arrival, counted from the first one."""
    found = list(islice(sorted(jobs, key=lambda job: job.arrived), most))
    return [job._replace(arrived=job.arrived - found[0].arrived) for job in found]


def sized(
    jobs: Sequence[Submission],
    nodes: Iterable[Capacity],
    number: int | None = None,
    load: float | None = None,
) -> Workload:
    """The jobs on the first `number` of these nodes, or on as many as `load` makes full.

    Load is the mean of what is asked for from the first arrival to the last, as a share of the
    pool's GPUs; of its processors, if no job asks for a GPU. With both, the time between arrivals
    is what gives way.
    """
    of_gpus = any(job.gpu_milli for job in jobs)
    wanted = _demand(jobs, of_gpus=of_gpus) / (load or 1.0)
    pool: list[Capacity] = []
    has = 0
    for node in islice(nodes, number or MOST_NODES):
        if number is None and pool and has >= wanted:
            break
        pool.append(node)
        has += _size(node, of_gpus=of_gpus)
    if not has:
        raise BadInput("Jobs ask for GPUs and the nodes have none: give nodes with GPUs")
    if number is None and len(pool) == MOST_NODES:
        raise BadInput(
            f"This load needs more than {MOST_NODES} nodes, as jobs come so close together: say with"
            " --nodes how many there are"
        )
    if number is not None and load is not None:
        jobs = [job._replace(arrived=job.arrived * wanted / has) for job in jobs]
    return Workload(jobs, pool)


def _demand(jobs: Sequence[Submission], *, of_gpus: bool) -> float:
    """Thousandths that the jobs keep busy on average while they come."""
    areas = (
        job.seconds * (job.gpu_milli if of_gpus else job.resources.cpu_milli * job.gang)
        for job in jobs
    )
    return sum(areas) / max(jobs[-1].arrived, 1.0)


def _size(node: Capacity, *, of_gpus: bool) -> int:
    return len(node.devices) * MILLI if of_gpus else node.cpu_milli
