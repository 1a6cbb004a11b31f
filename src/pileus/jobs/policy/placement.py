"""Where a job goes: to the place that leaves the least of the GPUs for nobody.

What a placement wastes is compared in steps of a twentieth of a GPU: the demand is an estimate, and
to pack nodes one after the other keeps whole ones free for what no estimate knows of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from pileus.core.schemas.resources import Resources
from pileus.jobs.policy.demand import Demand, Shape
from pileus.jobs.policy.devices import Devices
from pileus.jobs.policy.free import Free
from pileus.jobs.policy.waste import Outlook, Prospect

STEP_MILLI = 50
"""Waste that differs by less is alike."""

_MOST_TABLES = 128
"""Shapes of jobs for which every node is kept ranked."""


class _Rank(NamedTuple):
    """Of the best way to place a job on a node; the least is best. Amounts are before it is placed."""

    waste_steps: int
    gpu_milli: int
    cpu_milli: int
    memory_mib: int
    number: int
    places: tuple[int, ...]


class Spot(NamedTuple):
    """A node, by its number in the placement, and devices of it."""

    number: int
    devices: tuple[str, ...]


class Placement:
    """Nodes by name, ranked for each shape of job that was asked for.

    Remembered ranks make it faster and change no answer: those of a node are made anew when
    something is taken from it.
    """

    def __init__(self, free: Sequence[Free], demand: Demand) -> None:
        self.free = sorted(free, key=lambda space: space.node.name)
        self._demand = demand
        self._outlooks: dict[tuple[str, ...], Outlook] = {}
        self._tables: dict[Shape, dict[int, _Rank]] = {}

    def best(self, resources: Resources, without: Collection[int] = ()) -> Spot | None:
        """Where the job should go, if it can go anywhere but on the nodes of these numbers."""
        ranks = self._table(Shape.of(resources)).values()
        found = [rank for rank in ranks if rank.number not in without] if without else ranks
        best = min(found, default=None)
        if best is None:
            return None
        devices = self.free[best.number].node.capacity.devices
        return Spot(best.number, tuple(devices[place].id for place in best.places))

    def take(self, spot: Spot, resources: Resources) -> None:
        """Give the job that place."""
        space = self.free[spot.number]
        space.take(resources, spot.devices)
        ranking = _Ranking(spot.number, space, self._outlook(space))
        for shape, table in self._tables.items():
            ranking.put(table, shape)

    def _table(self, shape: Shape) -> dict[int, _Rank]:
        table = self._tables.pop(shape, None)
        if table is None:
            table = {}
            for number, space in enumerate(self.free):
                _Ranking(number, space, self._outlook(space)).put(table, shape)
        self._tables[shape] = table  # the last one asked for is the last to be forgotten
        if len(self._tables) > _MOST_TABLES:
            del self._tables[next(iter(self._tables))]
        return table

    def _outlook(self, space: Free) -> Outlook:
        outlook = self._outlooks.get(space.kinds)
        if outlook is None:
            outlook = self._outlooks[space.kinds] = Outlook(self._demand, space.kinds)
        return outlook


class _Ranking:
    """Ranks one node, as it is now, for many shapes."""

    def __init__(self, number: int, space: Free, outlook: Outlook) -> None:
        self._number = number
        self._space = space
        self._outlook = outlook
        self._ways: dict[Devices, list[_Way]] = {}
        self._gpu_milli = sum(space.left)
        self._waste = outlook.of(space.left).waste(space.cpu_milli, space.memory_mib)

    def put(self, table: dict[int, _Rank], shape: Shape) -> None:
        """Enter the node into a table of ranks, or take it out where the shape does not fit."""
        best = self._best(shape) if self._space.has_beside_devices(shape) else None
        if best is not None:
            table[self._number] = best
        else:
            table.pop(self._number, None)

    def _best(self, shape: Shape) -> _Rank | None:
        ways = self._ways.get(shape.of_devices)
        if ways is None:
            ways = self._ways[shape.of_devices] = self._ways_of(shape.of_devices)
        cpu_milli, memory_mib = self._space.cpu_milli, self._space.memory_mib
        cpu_after, memory_after = cpu_milli - shape.cpu_milli, memory_mib - shape.memory_mib
        best: tuple[int, int, tuple[int, ...]] | None = None
        for fullness, places, prospect in ways:
            steps = (prospect.waste(cpu_after, memory_after) - self._waste) // STEP_MILLI
            found = (int(steps), fullness, places)
            if best is None or found < best:
                best = found
        if best is None:
            return None
        steps, fullness, places = best
        return _Rank(steps, self._gpu_milli, cpu_milli, memory_mib, self._number, places)

    def _ways_of(self, wanted: Devices) -> list[_Way]:
        left = self._space.left
        ways = []
        for places in self._space.choices(wanted, self._outlook.usable(wanted.kind)):
            after = list(left)
            for place in places:
                after[place] -= wanted.milli
            fullness = sum([left[place] for place in places])
            ways.append(_Way(fullness, places, self._outlook.of(tuple(after))))
        return ways


class _Way(NamedTuple):
    """One way to place a request for devices on a node."""

    fullness: int
    """Thousandths left of the devices before: a fraction goes to the fullest."""

    places: tuple[int, ...]
    prospect: Prospect
