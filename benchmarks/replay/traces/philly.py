"""Philly: when jobs came, for how long they ran, on how many GPUs, and in which virtual cluster."""

from __future__ import annotations

from pathlib import Path

from benchmarks.replay.workload import Submission, spread, uniform_node
from benchmarks.simulation import philly
from pileus.core.schemas.resources import Resources

_GPUS = 8
NODE = uniform_node(cpus=64, gib=512, gpus=_GPUS)


def read(folder: Path) -> list[Submission]:
    """All jobs. Of processors and memory the trace says nothing: each GPU brings its share."""
    return [_submission(job) for job in philly.read(folder)]


def _submission(job: philly.TraceJob) -> Submission:
    members, gpus = spread(job.gpus, _GPUS)
    return Submission(
        arrived=job.arrived,
        seconds=job.seconds,
        resources=Resources(cpu=gpus, memory_mib=gpus * 1024, gpu=gpus),
        gang=members,
        project=job.project,
    )
