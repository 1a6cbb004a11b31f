"""What nodes have left once everything has stopped that was asked to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterable

from pileus.core.schemas.jobs import Lease
from pileus.core.schemas.resources import Resources
from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.free import Free
from pileus.jobs.policy.placement import Placement
from pileus.jobs.policy.reservation import Reservations, beside


class Soon:
    """A view of placement and reservations, which change while a decision is made."""

    def __init__(self, placement: Placement, reservations: Reservations) -> None:
        self._placement = placement
        self._reservations = reservations
        self._leaving: dict[str, list[Lease]] = defaultdict(list)

    def leave(self, lease: Lease) -> None:
        """It was asked to stop."""
        self._leaving[lease.node].append(lease)

    def leaving(self, nodes: Iterable[str]) -> int:
        """How many leave these nodes."""
        return sum(len(self._leaving.get(node, ())) for node in nodes)

    def space(self, node: str, barred: Container[int] = ()) -> Free | None:
        """What a node has left then, beside what it is kept for; None for one that does not answer,
        is kept for later or is barred."""
        number = self._placement.numbers.get(node)
        if number is None or number in barred:
            return None
        if number in self._reservations:
            kept = self._reservations.soon(number)
            return None if kept is None else kept.copy()
        space = self._placement.free[number].copy()
        for lease in self._leaving.get(node, ()):
            space.give(lease.resources, lease.devices)
        return space

    def roomy(
        self, resources: Resources, size: int, others: Iterable[str], barred: Container[int]
    ) -> tuple[str, ...]:
        """Nodes that together have room for so many then: of those that something leaves, and of
        `others`; none, when they have not."""
        shape, found = Shape.of(resources), []
        for node in dict.fromkeys([*sorted(self._leaving), *others]):
            space = self.space(node, barred)
            here = 0 if space is None else space.holds(shape, size)
            if here:
                found.append(node)
                size -= here
            if not size:
                return tuple(found)
        return ()

    def has_room(self, resources: Resources, size: int, nodes: Collection[str]) -> bool:
        """Whether these nodes have room for so many then."""
        shape, spaces = Shape.of(resources), [self.space(node) for node in nodes]
        return sum(x.holds(shape, size) for x in spaces if x is not None) >= size

    def keep(
        self, resources: Resources, size: int, nodes: Iterable[str], victims: Collection[Lease]
    ) -> None:
        """Keep these nodes for so many, which have room there when the victims have left as well."""
        for node in nodes:
            space = self.space(node)
            if space is None:
                continue
            for lease in victims:
                if lease.node == node:
                    space.give(lease.resources, lease.devices)
            number = self._placement.numbers[node]
            here = space.holds(Shape.of(resources), size)
            now = self._placement.free[number]
            self._reservations.keep(number, None, beside(space, now, resources, here))
            size -= here
