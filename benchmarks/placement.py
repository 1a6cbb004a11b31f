"""How much of a GPU cluster is put to use before nothing more fits: ours beside BestFit and FGD.

`python -m benchmarks.placement --json --trace DIR` takes the 1,213 GPU nodes of the openb trace, draws
pods with replacement until they ask for 1.3 times the GPUs, and places them in turn; none leaves. It
prints the share of the GPUs that was given out, on average over ten seeds, and how long a decision of
ours took. On the variant in which every GPU pod asks for at most one device the same, as `share_*`.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from benchmarks.openb import MILLI, Pod, Trace, TraceNode, read
from benchmarks.published import BestFit, Fgd
from pileus.core.schemas.jobs import Node
from pileus.core.schemas.resources import Capacity, Device, Resources
from pileus.jobs.policy.demand import Demand, Shape
from pileus.jobs.policy.free import Free
from pileus.jobs.policy.placement import Placement
from pileus.jobs.policy.spaces import Fitting

PUBLISHED = {"random": 87.47, "bestfit": 93.08, "fgd": 95.39}
"""Percent of the GPUs given out when 130 % was asked for, `default` pods (USENIX ATC 2023)."""

RATIO = 1.3
_AMPLE_MIB = 1 << 40
_LONG_AGO = datetime(2023, 1, 1, tzinfo=UTC)


class Policy(Protocol):
    """Places one pod after the other."""

    def place(self, pod: Pod) -> bool:
        """Whether there was a place."""
        ...


class Ours:
    """The placement that the scheduler uses, with the trace as what it has seen of the demand."""

    def __init__(self, trace: Trace) -> None:
        self._requests = {pod: _resources(pod) for pod in set(trace.pods)}
        demand = Demand.of(Shape.of(self._requests[pod]) for pod in trace.pods)
        self._placement = Placement(Fitting(Free(_node(one)) for one in trace.nodes), demand)
        self.seconds: list[float] = []

    def place(self, pod: Pod) -> bool:
        resources = self._requests[pod]
        started = time.perf_counter()
        spot = self._placement.best(Shape.of(resources))
        if spot is not None:
            self._placement.take(spot, resources)
        self.seconds.append(time.perf_counter() - started)
        return spot is not None


def given_out(policy: Policy, workload: list[Pod], capacity: int) -> float:
    """Percent of the GPUs that pods hold in the end."""
    held = sum(pod.gpu_milli * pod.gpus for pod in workload if policy.place(pod))
    return 100 * held / capacity


def measure(folder: Path, seeds: int) -> dict[str, Any]:
    """Every figure; the policies have the same workloads."""
    gc.set_threshold(20_000)  # as in our processes
    found: dict[str, Any] = {}
    decisions: list[float] = []
    for prefix, variant in (("", "default"), ("share_", "gpushare100")):
        trace = read(folder, variant)
        results: dict[str, list[float]] = {"bestfit": [], "fgd": [], "ours": []}
        for seed in range(seeds):
            workload = trace.workload(seed, RATIO)
            others: dict[str, Callable[[Trace], Policy]] = {"bestfit": BestFit, "fgd": Fgd}
            for name, policy in others.items():
                results[name].append(given_out(policy(trace), workload, trace.capacity))
            ours = Ours(trace)
            results["ours"].append(given_out(ours, workload, trace.capacity))
            decisions += ours.seconds
        found |= {f"{prefix}{k}_pct": round(statistics.mean(v), 2) for k, v in results.items()}
        better = [our - fgd for our, fgd in zip(results["ours"], results["fgd"], strict=True)]
        found[f"{prefix}ours_less_fgd_least"] = round(min(better), 2)
        found[f"{prefix}seeds_not_worse"] = sum(one >= 0 for one in better)
    cuts = statistics.quantiles(decisions, n=100)
    return {
        **found,
        "seeds": seeds,
        "decision_p50_ms": round(cuts[49] * 1000, 3),
        "decision_p99_ms": round(cuts[98] * 1000, 3),
        "published_pct": PUBLISHED,
        "load_average": round(os.getloadavg()[0], 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}",
    }


def _resources(pod: Pod) -> Resources:
    return Resources(cpu=pod.cpu_milli / MILLI, memory_mib=1, gpu=pod.gpu_milli * pod.gpus / MILLI)


def _node(node: TraceNode) -> Node:
    devices = [Device(id=str(n), kind=node.model, memory_mib=0) for n in range(node.gpus)]
    return Node(
        id=node.name,
        project="",
        created_at=_LONG_AGO,
        seen_at=_LONG_AGO,
        boot_id="",
        name=node.name,
        capacity=Capacity(cpu_milli=node.cpu_milli, memory_mib=_AMPLE_MIB, devices=tuple(devices)),
    )


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trace", type=Path, default=Path(), help="folder of the trace's files")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    given = parser.parse_args(arguments)
    print(json.dumps(measure(given.trace, given.seeds), indent=None if given.json else 2))


if __name__ == "__main__":
    main()
