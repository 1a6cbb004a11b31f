"""Gavel: kinds of training and how many steps of each, with the steps a second that were measured.

Narayanan et al., Heterogeneity-Aware Cluster Scheduling Policies for Deep Learning Workloads (OSDI 2020).
`scheduler/traces/msr/seed=0/0e4a51.trace` and `scheduler/simulation_throughputs.json` of
github.com/stanford-futuredata/gavel at commit c4fa400973. All GPUs are V100 here: our scheduler does not
know that a job is faster on one kind than on another.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.replay.workload import Submission, spread, uniform_node
from benchmarks.traces import content
from pileus.core.schemas.resources import Resources

_ORIGIN = (
    "scheduler/traces/msr/seed=0/0e4a51.trace and scheduler/simulation_throughputs.json of"
    " github.com/stanford-futuredata/gavel"
)
_TRACE = "952a5ca0842149b7a0f2cbfd072acb0f97765f05ef829b4ab71db0752ef08d00"
_THROUGHPUTS = "17111f7295f03265fd9e5118d7eba31e3dd9d6e50a2e215c13ad3d3f91f74381"
_KIND = "v100"
_GPUS = 8
NODE = uniform_node(cpus=64, gib=512, gpus=_GPUS, kind=_KIND)


def read(folder: Path) -> list[Submission]:
    """The 1,181 jobs."""
    measured = json.loads(content(folder, "simulation_throughputs.json", _THROUGHPUTS, _ORIGIN))
    steps_a_second = {
        asked: alone["null"] for asked, alone in measured[_KIND].items() if alone.get("null")
    }
    lines = content(folder, "0e4a51.trace", _TRACE, _ORIGIN).splitlines()
    return [_submission(line.split("\t"), steps_a_second) for line in lines]


def _submission(row: list[str], steps_a_second: dict[str, float]) -> Submission:
    name, _, _, _, steps, came, scale = row
    gpus = int(scale)
    speed = steps_a_second.get(str((name, gpus)))
    if speed is None:  # not measured on so many: as if each did what one does alone
        speed = steps_a_second[str((name, 1))] * gpus
    members, each = spread(gpus, _GPUS)
    return Submission(
        arrived=float(came),
        seconds=float(steps) / speed,
        resources=Resources(cpu=each, memory_mib=each * 1024, gpu=each),
        gang=members,
        code=name,
    )
