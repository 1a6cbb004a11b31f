"""openb of Alibaba: pods with parts of GPUs, and the nodes of that cluster, of several kinds."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.openb import MILLI, table
from benchmarks.replay.workload import Submission
from pileus.core.schemas.resources import Capacity, Device, Resources

_SINCE = 10_000_000
"""Seconds. Of pods that came before, only a hundred are listed: those that still ran."""


def read(folder: Path) -> list[Submission]:
    """Pods that were scheduled, the `default` ones. What is best effort comes after everything else."""
    found = []
    for row in table(folder, "openb_pod_list_default"):
        came = float(row["creation_time"])
        if came < _SINCE or not row["scheduled_time"]:
            continue
        seconds = float(row["deletion_time"]) - float(row["scheduled_time"])
        gpu_milli = int(row["gpu_milli"] or 0) * int(row["num_gpu"])
        resources = Resources(
            cpu=max(int(row["cpu_milli"]), 1) / MILLI,
            memory_mib=max(int(row["memory_mib"]), 1),
            gpu=gpu_milli / MILLI,
        )
        priority = 0 if row["qos"] == "BE" else 1
        found.append(Submission(came, max(seconds, 1.0), resources, priority=priority))
    return found


def nodes(folder: Path, seed: int) -> list[Capacity]:
    """The nodes that have GPUs, in a random order: a part of them is as mixed as all."""
    found = [_capacity(row) for row in table(folder, "openb_node_list_gpu_node")]
    random.Random(seed).shuffle(found)
    return found


def _capacity(row: dict[str, str]) -> Capacity:
    kind = row["model"].lower()
    return Capacity(
        cpu_milli=int(row["cpu_milli"]),
        memory_mib=int(row["memory_mib"]),
        devices=tuple(
            Device(id=f"{number}", kind=kind, memory_mib=0) for number in range(int(row["gpu"]))
        ),
    )
