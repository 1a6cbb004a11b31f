"""Nodes that are kept for jobs which cannot start yet, and who may pass meanwhile.

EASY backfill (Lifka, The ANL/IBM SP Scheduling System, JSSPP 1995), on vectors of resources: a job may
start on a kept node if it is expected to end before the node is needed, or fits beside the job that
it is kept for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from pileus.core.schemas.jobs import Lease
from pileus.core.schemas.resources import Resources
from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.devices import usable_devices
from pileus.jobs.policy.free import Free
from pileus.jobs.policy.placement import Spot


class _Kept(NamedTuple):
    at: datetime | None
    later: Free | None

    def is_over(self, ends_at: datetime | None) -> bool:
        """Whether a job that ends then is gone before the node is needed."""
        return self.at is not None and ends_at is not None and ends_at <= self.at


class Reservations:
    """Kept nodes, by their number in the placement."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._kept

    def keep(self, number: int, at: datetime | None, later: Free | None) -> None:
        """Keep a node for a job: from `at` on it has `later` left beside it.

        Without `at`, nothing is known to end in time; without `later`, nobody passes.
        """
        self._kept[number] = _Kept(at, later)

    def soon(self, number: int) -> Free | None:
        """What a kept node has left beside its job once that starts; None where that is far off."""
        kept = self._kept[number]
        return kept.later if kept.at is None else None

    def shut(self, shape: Shape, ends_at: datetime | None) -> set[int]:
        """Nodes on which such a job would be in the way."""
        return {
            number
            for number, kept in self._kept.items()
            if not kept.is_over(ends_at) and (kept.later is None or not kept.later.fits(shape))
        }

    def permits(self, spot: Spot, resources: Resources, ends_at: datetime | None) -> bool:
        """Whether these very devices are left beside, for one that `shut` lets pass."""
        kept = self._kept.get(spot.number)
        if kept is None or kept.later is None or kept.is_over(ends_at):
            return True
        after = kept.later.copy()
        after.take(resources, spot.devices)
        return min(after.left, default=0) >= 0

    def take(self, spot: Spot, resources: Resources, ends_at: datetime | None) -> None:
        """A job starts there."""
        later = self._affected(spot, ends_at)
        if later is not None:
            later.take(resources, spot.devices)

    def give(self, spot: Spot, resources: Resources, ends_at: datetime | None) -> None:
        """It does not, after all."""
        later = self._affected(spot, ends_at)
        if later is not None:
            later.give(resources, spot.devices)

    def _affected(self, spot: Spot, ends_at: datetime | None) -> Free | None:
        kept = self._kept.get(spot.number)
        return None if kept is None or kept.is_over(ends_at) else kept.later


def beside(space: Free, now: Free, resources: Resources, number: int = 1) -> Free:
    """What a node that will have `space` has beside so many of the job then.

    They are given the devices that are busiest `now`: what is free now is left to others.
    """
    shape = Shape.of(resources)
    usable = usable_devices(space.kinds, shape.of_devices.kind)
    busiest = sorted(usable, key=lambda place: (now.left[place], place))
    devices = space.node.capacity.devices
    rest = space.copy()
    for _ in range(number):
        places = rest.choices(shape.of_devices, busiest)[0]
        rest.take(resources, [devices[place].id for place in places])
    return rest


class End(NamedTuple):
    """When something that runs is expected to end."""

    at: datetime
    number: int
    """Of its node in the placement."""

    lease: Lease


class Opening(NamedTuple):
    """When there will be room."""

    at: datetime
    last: Lease
    """Whose end makes it."""

    later: dict[int, Free]
    """Node → what it has left beside the job then."""


def earliest(
    resources: Resources, size: int, now: Mapping[int, Free], ends: Iterable[End]
) -> Opening | None:
    """The first time at which so many jobs fit beside one another on these nodes, on as few of them
    as have room for all; None where the ends that are known do not make it.
    """
    spaces = {number: space.copy() for number, space in now.items()}
    shape = Shape.of(resources)
    members = {number: space.holds(shape, size) for number, space in spaces.items()}
    for at, number, lease in sorted(ends, key=lambda end: _soonest(end, now)):
        spaces[number].give(lease.resources, lease.devices)
        members[number] = spaces[number].holds(shape, size)
        if sum(members.values()) >= size:
            return Opening(at, lease, _later(resources, size, now, spaces, members))
    return None


def _soonest(end: End, now: Mapping[int, Free]) -> tuple[datetime, str, str, str]:
    return (end.at, now[end.number].node.name, end.lease.job, end.lease.id)


def _later(
    resources: Resources,
    size: int,
    now: Mapping[int, Free],
    spaces: Mapping[int, Free],
    members: Mapping[int, int],
) -> dict[int, Free]:
    found = {}
    for number in sorted(members, key=lambda number: (-members[number], number)):
        here = min(members[number], size)
        if not here:
            break
        found[number] = beside(spaces[number], now[number], resources, here)
        size -= here
    return found
