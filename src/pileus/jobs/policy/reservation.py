"""Nodes that are kept for jobs which cannot start yet, and who may pass meanwhile.

EASY backfill (Lifka, The ANL/IBM SP Scheduling System, JSSPP 1995), on vectors of resources: a job may
start on a kept node if it is expected to end before the node is needed, or fits beside the job that
it is kept for.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

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
        kept = self._kept.get(spot.number)
        if kept is not None and kept.later is not None and not kept.is_over(ends_at):
            kept.later.take(resources, spot.devices)


def beside(space: Free, now: Free, resources: Resources) -> Free:
    """What a node that will have `space` has beside the job then.

    It is given the devices that are busiest `now`: what is free now is left to others.
    """
    shape = Shape.of(resources)
    usable = usable_devices(space.kinds, shape.of_devices.kind)
    busiest = sorted(usable, key=lambda place: (now.left[place], place))
    devices = space.node.capacity.devices
    rest = space.copy()
    rest.take(resources, [devices[p].id for p in space.choices(shape.of_devices, busiest)[0]])
    return rest
