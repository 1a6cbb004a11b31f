"""What if: the jobs of a trace through the scheduler's own decision, on a simulated clock and pool.

`python -m benchmarks.simulate --json --trace generated` makes jobs up; `openb`, `philly` and `gavel` are
public traces whose files are in `--folder`, and FILE.csv is your own (columns: docs/benchmarks.md). Every
plan is checked: what is held on each device, gangs whole, quotas kept.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.replay.audit import Violation
from benchmarks.replay.simulator import Simulator
from benchmarks.replay.traces import gavel, generated, openb, philly, table
from benchmarks.replay.workload import BadInput, Workload, in_turn, sized, uniform_node
from pileus.core.schemas.resources import Capacity

NAMED = ("openb", "philly", "gavel", "generated")
_JOBS, _NODES, _LOAD = 1000, 8, 0.9
"""What is made up unless something else is asked for."""


def measure(workload: Workload, *, order: str, tick_seconds: float) -> dict[str, Any]:
    """How its jobs fare."""
    simulator = Simulator(workload, by_rank=order == "expected", tick_seconds=tick_seconds)
    if len(simulator.left_out) == len(workload.jobs):
        raise BadInput(
            "No job fits the idle pool: give more or larger nodes, or a gang in place of a large job"
        )
    found = simulator.run()._asdict()
    figures = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in found.items()
    }
    pool = workload.nodes
    gpus = sum(len(node.devices) for node in pool)
    return {"order": order, "nodes": len(pool), "gpus": gpus, **figures}


def workload_of(given: argparse.Namespace) -> Workload:
    """What the options ask for."""
    if given.trace == "generated":
        asked = (given.jobs or _JOBS, given.nodes or _NODES, given.load or _LOAD)
        return generated.make(*asked, given.seed)
    nodes: Iterable[Capacity]
    if given.trace == "openb":
        jobs, nodes = openb.read(given.folder), openb.nodes(given.folder, given.seed)
    elif given.trace == "philly":
        jobs, nodes = philly.read(given.folder), itertools.repeat(philly.NODE)
    elif given.trace == "gavel":
        jobs, nodes = gavel.read(given.folder), itertools.repeat(gavel.NODE)
    else:
        jobs, nodes = table.read(Path(given.trace)), itertools.repeat(given.node)
    return sized(in_turn(jobs, given.jobs), nodes, given.nodes, given.load)


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--trace", type=_trace, default="generated", metavar="|".join((*NAMED, "FILE.csv"))
    )
    parser.add_argument("--folder", type=Path, default=Path(), help="of a public trace's files")
    parser.add_argument("--jobs", type=_number, help="the first so many only")
    parser.add_argument("--nodes", type=_number, help="as many as hold the load unless given")
    parser.add_argument(
        "--node",
        type=_node,
        default="64:512:8",
        metavar="CPUS:GIB:GPUS",
        help="what each has, for a FILE.csv",
    )
    parser.add_argument(
        "--load",
        type=_positive,
        help="mean of what is asked for, as a share of the pool (1, for made up jobs 0.9); with"
        " --nodes jobs come faster or slower for it",
    )
    parser.add_argument("--order", choices=["expected", "submission"], default="expected")
    parser.add_argument(
        "--tick-seconds", type=_positive, default=300.0, help="between decisions if nothing happens"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the JSON object on one line")
    given = parser.parse_args(arguments)
    try:
        found = measure(workload_of(given), order=given.order, tick_seconds=given.tick_seconds)
    except BadInput as error:
        sys.exit(str(error))
    except Violation as error:
        sys.exit(f"The scheduler broke a promise; please report it with this command: {error}")
    except OverflowError:
        sys.exit("The simulated time leaves the calendar: give a larger --load or fewer --jobs")
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    found = {"trace": given.trace, **found, "seed": given.seed, "machine": machine}
    print(json.dumps(found, indent=None if given.json else 2))


def _trace(text: str) -> str:
    if text in NAMED or text.endswith(".csv"):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(NAMED)}, and no FILE.csv")


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.001 <= value <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0.001 to 1000000")
    return value


def _node(text: str) -> Capacity:
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no CPUS:GIB:GPUS, such as 64:512:8")
    cpus, gib, gpus = map(int, parts)
    return uniform_node(cpus, gib, gpus)


if __name__ == "__main__":
    main()
