"""What nodes have left and where what fits, kept from one decision to the next.

Of a large pool little changes between two decisions, and only that is made anew: a node whose leases
or whose capacity are others. It makes decisions faster and changes none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from pileus.core.schemas.jobs import Lease, Node
from pileus.jobs.policy.demand import Asked, Shape
from pileus.jobs.policy.free import Free

MOST_SHAPES = 128
"""Shapes of jobs for which it is remembered where they fit."""


class Fitting:
    """Spaces by node, and for each shape that was asked for the nodes on which it fits."""

    def __init__(self, spaces: Iterable[Free] = ()) -> None:
        self.spaces = {space.node.id: space for space in spaces}
        self._on: dict[Shape, set[str]] = {}

    def on(self, shape: Shape) -> Collection[str]:
        """Nodes on which such a job could run."""
        found = self._on.pop(shape, None)
        if found is None:
            found = {node for node, space in self.spaces.items() if space.fits(shape)}
        self._on[shape] = found  # the last one asked for is the last to be forgotten
        if len(self._on) > MOST_SHAPES:
            del self._on[next(iter(self._on))]
        return found

    def may_hold(self, asked: Collection[Asked]) -> set[Asked]:
        """Of what is asked for all that the nodes have room for, and what can only be told of each at
        a cost."""
        if not self.spaces:
            return set()
        spaces = self.spaces.values()
        cpu_milli = max(space.cpu_milli for space in spaces)
        memory_mib = max(space.memory_mib for space in spaces)
        found = {
            one
            for one in asked
            if one.shape.cpu_milli <= cpu_milli and one.shape.memory_mib <= memory_mib
        }
        return found if len(found) > MOST_SHAPES else set(filter(self.has_room, found))

    def has_room(self, asked: Asked) -> bool:
        """Whether all members find room beside one another."""
        shape, left = asked
        for node in self.on(shape):
            left -= self.spaces[node].holds(shape, left)
            if not left:
                return True
        return False

    def put(self, space: Free) -> None:
        """A node has this left now."""
        node = space.node.id
        self.spaces[node] = space
        for shape, found in self._on.items():
            if space.fits(shape):
                found.add(node)
            else:
                found.discard(node)

    def renew(self, node: Node) -> None:
        """It has what it had; the rest of its row may be another."""
        space = self.spaces[node.id] = self.spaces[node.id].copy()
        space.node = node

    def drop(self, node: str) -> None:
        """It is gone."""
        del self.spaces[node]
        for found in self._on.values():
            found.discard(node)


class Spaces:
    """Nodes as they are, and as they would be without a lease on them."""

    def __init__(self) -> None:
        self.now = Fitting()
        self.idle = Fitting()
        self.asked: Counter[Shape] = Counter()
        """What leases hold, by shape; of nodes that do not answer as well."""

        self._held: Mapping[str, tuple[Lease, ...]] = {}

    def held_on(self, node: str) -> Sequence[Lease]:
        """Leases on a node."""
        return self._held.get(node, ())

    def update(self, nodes: Iterable[Node], held: Mapping[str, tuple[Lease, ...]]) -> None:
        """These are the nodes that answer, and these all leases by their node."""
        # Most leases are the very same, which is seen without looking into them; often all are.
        names = () if held is self._held else held.keys() | self._held.keys()
        changed = {
            name
            for name in names
            if held.get(name) is not self._held.get(name)
            and _ids(held.get(name, ())) != _ids(self._held.get(name, ()))
        }
        for name in changed:
            self.asked.subtract(Shape.of(lease.resources) for lease in self._held.get(name, ()))
            self.asked.update(Shape.of(lease.resources) for lease in held.get(name, ()))
        self.asked = +self.asked
        self._held = held
        answering = {node.id: node for node in nodes}
        for gone in self.idle.spaces.keys() - answering.keys():
            self.idle.drop(gone)
            self.now.drop(gone)
        for name, node in answering.items():
            before = self.idle.spaces.get(name)
            has_others = name in changed
            if before is None or before.node is not node or has_others:
                self._update(node, before, has_others=has_others)

    def _update(self, node: Node, before: Free | None, *, has_others: bool) -> None:
        is_as_large = before is not None and before.node.capacity == node.capacity
        if is_as_large:
            self.idle.renew(node)
        else:
            self.idle.put(Free(node))
        if is_as_large and not has_others:
            self.now.renew(node)
            return
        space = Free(node)
        for lease in self._held.get(node.id, ()):
            space.take(lease.resources, lease.devices)
        if is_as_large and space.is_alike(self.now.spaces[node.id]):
            self.now.renew(node)
        else:
            self.now.put(space)


def _ids(leases: Iterable[Lease]) -> list[str]:
    """One that was renewed is another row, and holds what it held."""
    return [lease.id for lease in leases]
