"""Interleaved rounds: in each every server has its turn, alone on the machine."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving.contenders import Contender
from benchmarks.serving.cpu import Tree
from benchmarks.serving.load import Load, LoadFailed, Target
from benchmarks.serving.processes import NotStarted

Samples = Mapping[str, Sequence["Sample"]]


@dataclass(frozen=True)
class Plan:
    """How long and how often."""

    rounds: int
    seconds: float
    warm_seconds: float
    connections: int
    directory: Path


@dataclass(frozen=True)
class Sample:
    """One turn of one server."""

    rps: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    server_cpu_us: float | None


def take_turns(
    part: str,
    contenders: Sequence[Contender],
    load: Callable[[Target, Path, float, int], Load],
    plan: Plan,
) -> Samples:
    """Name → a sample of each round. A server that fails ends the benchmark."""
    found: dict[str, list[Sample]] = {one.name: [] for one in contenders}
    for number in range(plan.rounds):
        for one in contenders:
            try:
                sample = _turn(one, load, plan)
            except (LoadFailed, NotStarted) as error:
                sys.exit(f"{part}, {one.name}: {error}")
            found[one.name].append(sample)
            print(
                f"{part} -c{plan.connections}, round {number + 1}: {one.name:10}"
                f" {sample.rps:8.0f} req/s  p50 {sample.p50_ms:.2f} ms"
                f"  p99 {sample.p99_ms:.2f} ms  {sample.cpu_us:.0f} us of processor",
                file=sys.stderr,
            )
    return found


def row(part: str, name: str, samples: Sequence[Sample]) -> dict[str, Any]:
    """Medians of the rounds."""
    made: dict[str, Any] = {"name": name, "part": part}
    for figure, digits in (("rps", 1), ("p50_ms", 3), ("p99_ms", 3), ("cpu_us", 1)):
        made[figure] = round(_median(samples, figure), digits)
    if samples[0].server_cpu_us is not None:
        made["server_cpu_us"] = round(_median(samples, "server_cpu_us"), 1)
    return made


def ratio(samples: Samples, figure: str, ours: str, other: str) -> float | None:
    """The median of the rounds' own ratios: what changes between rounds is the machine."""
    if not samples.get(ours) or not samples.get(other):
        return None
    pairs = zip(samples[ours], samples[other], strict=True)
    return round(statistics.median(getattr(a, figure) / getattr(b, figure) for a, b in pairs), 3)


def _turn(one: Contender, load: Callable[[Target, Path, float, int], Load], plan: Plan) -> Sample:
    with one.serving() as serving:
        load(serving.target, plan.directory, plan.warm_seconds, plan.connections)
        tree = Tree(serving.root)
        beside = None if serving.beside is None else Tree(serving.beside)
        found = load(serving.target, plan.directory, plan.seconds, plan.connections)
        used = tree.used()
        used_beside = None if beside is None else beside.used() / found.requests * 1e6
    cpu_us = used / found.requests * 1e6 + (used_beside or 0.0)
    return Sample(found.rps, found.p50_ms, found.p99_ms, cpu_us, used_beside)


def _median(samples: Sequence[Sample], figure: str) -> float:
    return statistics.median(getattr(sample, figure) for sample in samples)
