"""First come, first served with EASY backfill (Lifka, The ANL/IBM SP Scheduling System, JSSPP 1995).

The first job that finds no room has it kept from when running jobs will have made it. A later one starts
where it ends before that, or fits beside. No job is stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import NamedTuple

from benchmarks.simulation.space import NodeSpace, Place
from benchmarks.simulation.turns import Claim, Start


class _Kept(NamedTuple):
    at: float
    beside: list[int]
    """GPUs of each node that are free then beside the job that they are kept for."""


def backfill(
    waiting: Iterable[Claim],
    ends: Mapping[str, float],
    seconds: Callable[[str], float],
    space: NodeSpace,
    now: float,
) -> list[Start[Place]]:
    """What starts now, of jobs in the order in which they came.

    `ends` are when running jobs end and `seconds` how long a job takes: both are known.
    """
    ends = dict(ends)
    starts: list[Start[Place]] = []
    kept: _Kept | None = None
    nowhere: set[Hashable] = set()
    not_beside: set[Hashable] = set()
    for claim in waiting:
        if not any(space.free) and kept is not None:
            break
        # Room only shrinks: what one request does not find, an equal one does not find later.
        if claim.request in nowhere:
            continue
        end = now + seconds(claim.turn.job)
        is_over = kept is None or end <= kept.at
        if not is_over and claim.request in not_beside:
            continue
        place = space.best(claim, None if is_over or kept is None else _both(space, kept))
        if place is not None:
            if not is_over and kept is not None:
                space.occupy(kept.beside, claim, place)
            space.take(claim, place)
            ends[claim.turn.job] = end
            starts.append(Start(claim.turn.job, place, ()))
        elif kept is None:
            kept = _keep(claim, ends, space)
            nowhere.add(claim.request)
        else:
            (nowhere if is_over else not_beside).add(claim.request)
    return starts


def _both(space: NodeSpace, kept: _Kept) -> list[int]:
    """What is free now and stays so."""
    return [min(now, later) for now, later in zip(space.free, kept.beside, strict=True)]


def _keep(claim: Claim, ends: Mapping[str, float], space: NodeSpace) -> _Kept:
    """When there is room for the job. Raises ValueError if even an idle pool has none."""
    free = list(space.free)
    for job, end in sorted(ends.items(), key=lambda one: (one[1], one[0])):
        for number in space.places[job]:
            free[number] += space.on[number][job]
        place = space.best(claim, free)
        if place is not None:
            space.occupy(free, claim, place)
            return _Kept(end, free)
    raise ValueError(f"job {claim.turn.job!r} wants more than the pool has")
