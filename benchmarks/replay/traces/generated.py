"""Made up from a seed: what reaches every part of the scheduler, at a load that is chosen.

Jobs come at random (Poisson) and take log-normal times around what their program takes. Three projects
share a cohort: each has a third of the GPUs, may borrow what the others leave, and takes back what is
its own; within a project more priority may stop less.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from benchmarks.replay.workload import Submission, Workload, in_turn, sized, uniform_node
from pileus.core.schemas.quota import Limit, Quota, Stops
from pileus.core.schemas.resources import MILLI, Resources

_GPUS = 8
NODE = uniform_node(cpus=64, gib=512, gpus=_GPUS)

_PROJECTS = {"vision": 5, "speech": 3, "search": 2}
"""Project → how often its jobs come, beside others'."""

_SHAPES = {
    (0.25, 1): 20,
    (0.5, 1): 15,
    (1, 1): 35,
    (2, 1): 12,
    (4, 1): 8,
    (8, 1): 4,
    (4, 2): 3,
    (8, 2): 3,
}
"""GPUs of a member and members → how often."""

_PRIORITIES = {0: 85, 10: 15}
_PROGRAMS = 12
_MEDIAN_SECONDS, _SPREAD = 1200.0, 1.2
"""Of programs; a job is spread around its program by a third of it."""


def make(number: int, nodes: int, load: float, seed: int) -> Workload:
    """So many jobs for a pool of so many nodes."""
    chance = random.Random(seed)
    takes = [_MEDIAN_SECONDS * chance.lognormvariate(0, _SPREAD) for _ in range(_PROGRAMS)]
    came, jobs = 0.0, []
    for _ in range(number):
        came += chance.expovariate(1)
        gpus, members = _one(chance, _SHAPES)
        program = chance.randrange(_PROGRAMS)
        jobs.append(
            Submission(
                arrived=came,
                seconds=max(1.0, takes[program] * chance.lognormvariate(0, _SPREAD / 3)),
                resources=Resources(cpu=max(1, gpus), memory_mib=4096, gpu=gpus),
                gang=members,
                project=_one(chance, _PROJECTS),
                priority=_one(chance, _PRIORITIES),
                code=f"program {program}",
            )
        )
    found = sized(in_turn(jobs), [NODE] * nodes, nodes, load)
    nominal = nodes * _GPUS * MILLI // len(_PROJECTS)
    return Workload(found.jobs, found.nodes, [_quota(name, nominal) for name in sorted(_PROJECTS)])


K = TypeVar("K")


def _one(chance: random.Random, weights: Mapping[K, int]) -> K:
    return chance.choices(list(weights), list(weights.values()))[0]


def _quota(project: str, nominal: int) -> Quota:
    return Quota(
        id=f"quo_{project}",
        project=project,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        cohort="all",
        limits={"gpu_milli": Limit(nominal=nominal)},
        reclaim=Stops.ANY,
        preempt=Stops.LOWER,
    )
