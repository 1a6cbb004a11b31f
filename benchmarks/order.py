"""In which order jobs should run: the scheduler's ranks on a trace, beside others'.

`python -m benchmarks.order --json --trace DIR` runs the 82,247 jobs of the Philly trace through a
simulated pool of 8-GPU nodes, as large as 1.0, 1.2 and 1.5 times the mean demand. Every order but first
come may stop jobs, which costs 60 s when one goes on; ours learns from jobs that have ended, the oracle knows all.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from benchmarks.simulation.orders import (
    AttainedService,
    Expected,
    FineAttainedService,
    FirstCome,
    Oracle,
)
from benchmarks.simulation.philly import TraceJob, mean_demand, read
from benchmarks.simulation.simulator import Order, Simulator

GPUS = 8
ORDERS: dict[str, Callable[[], Order]] = {
    "fifo_easy": FirstCome,
    "oracle": Oracle,
    "attained": AttainedService,
    "attained_fine": FineAttainedService,
    "ours": Expected,
}


def measure(
    jobs: list[TraceJob], sizes: list[float], tick_seconds: float, orders: Collection[str] = ORDERS
) -> dict[str, Any]:
    """Every order on every size of the pool, and how ours compares."""
    found: dict[str, Any] = {"jobs": len(jobs), "tick_seconds": tick_seconds}
    for size in sizes:
        nodes = math.ceil(size * mean_demand(jobs) / GPUS)
        figures: dict[str, Any] = {
            name: _rounded(
                Simulator(jobs, nodes, make(), tick_seconds=tick_seconds).run()._asdict()
            )
            for name, make in ORDERS.items()
            if name in orders
        }
        ours = figures.get("ours")
        for name in sorted(figures.keys() - {"ours"}) if ours else ():
            ratio = ours["mean_jct_seconds"] / figures[name]["mean_jct_seconds"]
            figures[f"ours_to_{name}"] = round(ratio, 3)
        found[f"{size:g}"] = {"nodes": nodes, **figures}
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    return {**found, "machine": machine}


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trace", type=Path, default=Path(), help="folder of the trace's file")
    parser.add_argument("--sizes", type=float, nargs="+", default=[1.0, 1.2, 1.5])
    parser.add_argument("--tick-seconds", type=float, default=300.0, help="between two decisions")
    parser.add_argument("--orders", nargs="+", choices=ORDERS, default=list(ORDERS))
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    given = parser.parse_args(arguments)
    found = measure(read(given.trace), given.sizes, given.tick_seconds, given.orders)
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
