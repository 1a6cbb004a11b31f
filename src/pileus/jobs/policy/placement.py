"""Where a job goes: to the place that leaves the least of the GPUs for nobody.

What a placement wastes is compared in steps of a twentieth of a GPU: the demand is an estimate, and
to pack nodes one after the other keeps whole ones free for what no estimate knows of.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from pileus.core.schemas.resources import Resources
from pileus.jobs.policy.demand import Demand, Shape
from pileus.jobs.policy.free import Free
from pileus.jobs.policy.spaces import MOST_SHAPES, Fitting
from pileus.jobs.policy.waste import Outlook

STEP_MILLI = 50
"""Waste that differs by less is alike."""


class _Rank(NamedTuple):
    """Of the best way to place a job on a node; the least is best. Amounts are before it is placed."""

    waste_steps: int
    gpu_milli: int
    cpu_milli: int
    memory_mib: int
    number: int
    places: tuple[int, ...]


class _Table(NamedTuple):
    """Nodes on which a shape fits, ranked for it."""

    ranks: dict[int, _Rank]
    changes: int
    """How many changes of nodes it has followed."""


class Spot(NamedTuple):
    """A node, by its number in the placement, and devices of it."""

    number: int
    devices: tuple[str, ...]


class Placement:
    """Nodes by name, ranked for each shape of job that was asked for.

    Remembered ranks make it faster and change no answer: those of nodes from which something was
    taken are made anew when the shape is asked for next. What it was made from stays as it was.
    """

    def __init__(self, fitting: Fitting, demand: Demand) -> None:
        self.free = sorted(fitting.spaces.values(), key=lambda space: space.node.name)
        self.numbers = {space.node.id: number for number, space in enumerate(self.free)}
        """Node → its place in `free`."""

        self._fitting = fitting
        self._demand = demand
        self._outlooks: dict[tuple[str, ...], Outlook] = {}
        self._wastes: dict[int, float] = {}
        self._taken: set[int] = set()
        self._by_room: list[tuple[int, int, str, int]] = []
        self._tables: dict[Shape, _Table] = {}
        self._changes: list[int] = []
        """Numbers of the nodes that were changed, one after the other."""

    def best(self, shape: Shape, without: Collection[int] = ()) -> Spot | None:
        """Where the job should go, if it can go anywhere but on the nodes of these numbers."""
        ranks = self._table(shape).values()
        found = [rank for rank in ranks if rank.number not in without] if without else ranks
        best = min(found, default=None)
        if best is None:
            return None
        devices = self.free[best.number].node.capacity.devices
        return Spot(best.number, tuple(devices[place].id for place in best.places))

    def take(self, spot: Spot, resources: Resources) -> None:
        """Give the job that place."""
        self._change(spot, resources, Free.take)

    def give(self, spot: Spot, resources: Resources) -> None:
        """Take it back, of what was taken from here."""
        self._change(spot, resources, Free.give)

    def _change(
        self,
        spot: Spot,
        resources: Resources,
        change: Callable[[Free, Resources, tuple[str, ...]], None],
    ) -> None:
        number = spot.number
        if number not in self._taken:
            self._taken.add(number)
            self.free[number] = self.free[number].copy()
        if self._by_room:
            del self._by_room[bisect_left(self._by_room, self._room(number))]
        change(self.free[number], resources, spot.devices)
        if self._by_room:
            insort(self._by_room, self._room(number))
        self._wastes.pop(number, None)
        self._changes.append(number)

    def roomiest(self) -> Iterator[int]:
        """All nodes, those with the most processors left first, then memory; of equals the last name."""
        if not self._by_room:
            self._by_room = sorted(map(self._room, range(len(self.free))))
        return (number for *_, number in reversed(self._by_room))

    def _room(self, number: int) -> tuple[int, int, str, int]:
        space = self.free[number]
        return (space.cpu_milli, space.memory_mib, space.node.name, number)

    def _table(self, shape: Shape) -> dict[int, _Rank]:
        table = self._tables.pop(shape, None)
        if table is None:
            # Where something was taken it may fit no more, and nowhere does it fit that it did not.
            ranks: dict[int, _Rank] = {}
            anew = {self.numbers[node] for node in self._fitting.on(shape)}
        else:
            ranks = table.ranks
            anew = set(self._changes[table.changes :])
        for number in anew:
            self._rank(ranks, shape, number)
        # The last one asked for is the last to be forgotten.
        self._tables[shape] = _Table(ranks, len(self._changes))
        if len(self._tables) > MOST_SHAPES:
            del self._tables[next(iter(self._tables))]
        return ranks

    def _rank(self, table: dict[int, _Rank], shape: Shape, number: int) -> None:
        """Enter the node into a table of ranks, or take it out where the shape does not fit."""
        space = self.free[number]
        if not space.fits(shape):
            table.pop(number, None)
            return
        outlook = self._outlook(space)
        before = self._waste(number, space, outlook)
        cpu_milli, memory_mib = space.cpu_milli, space.memory_mib
        cpu_after, memory_after = cpu_milli - shape.cpu_milli, memory_mib - shape.memory_mib
        steps, _, places = min(
            (
                int((outlook.of(after).waste(cpu_after, memory_after) - before) // STEP_MILLI),
                fullness,
                places,
            )
            for fullness, places, after in space.ways(shape.of_devices)
        )
        table[number] = _Rank(steps, sum(space.left), cpu_milli, memory_mib, number, places)

    def _waste(self, number: int, space: Free, outlook: Outlook) -> float:
        waste = self._wastes.get(number)
        if waste is None:
            prospect = outlook.of(space.left)
            waste = self._wastes[number] = prospect.waste(space.cpu_milli, space.memory_mib)
        return waste

    def _outlook(self, space: Free) -> Outlook:
        outlook = self._outlooks.get(space.kinds)
        if outlook is None:
            outlook = self._outlooks[space.kinds] = Outlook(self._demand, space.kinds)
        return outlook
