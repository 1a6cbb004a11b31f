"""What a node has left beside its leases, and on which of its devices a job could run there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pileus.core.schemas.jobs import Node
from pileus.core.schemas.resources import MILLI, Resources
from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.devices import Devices, Left, usable_devices


class Way(NamedTuple):
    """One way to place a request for devices on a node."""

    fullness: int
    """Thousandths left of the devices before: a fraction goes to the fullest."""

    places: tuple[int, ...]
    after: Left
    """What is left of every device then."""


class Free:
    """What a node has left: processors, memory, custom amounts, thousandths of each device."""

    def __init__(self, node: Node) -> None:
        capacity = node.capacity
        self.node = node
        self.kinds = tuple(device.kind for device in capacity.devices)
        self.cpu_milli = capacity.cpu_milli
        self.memory_mib = capacity.memory_mib
        self.left: Left = (MILLI,) * len(capacity.devices)
        """Of each device that the node has now, in the order of its capacity."""

        self._places = {device.id: place for place, device in enumerate(capacity.devices)}
        self._custom = dict(capacity.custom)
        self._ways: dict[Devices, list[Way]] = {}

    def take(self, resources: Resources, devices: Sequence[str]) -> None:
        """Give a job what it asked for. It may hold a device that the node does not have any more."""
        self._change(resources, devices, -1)

    def give(self, resources: Resources, devices: Sequence[str]) -> None:
        """Take it back."""
        self._change(resources, devices, 1)

    def copy(self) -> Free:
        """The same, to be changed apart."""
        twin = object.__new__(Free)
        twin.__dict__.update(self.__dict__)  # all of it is replaced and never changed in place
        return twin

    def is_alike(self, other: Free) -> bool:
        """Whether as much is left as of another of the same capacity."""
        return (
            self.cpu_milli == other.cpu_milli
            and self.memory_mib == other.memory_mib
            and self.left == other.left
            and self._custom == other._custom
        )

    def _change(self, resources: Resources, devices: Sequence[str], sign: int) -> None:
        self.cpu_milli += sign * resources.cpu_milli
        self.memory_mib += sign * resources.memory_mib
        if devices:
            left = list(self.left)
            for device in devices:
                place = self._places.get(device)
                if place is not None:
                    left[place] += sign * min(resources.gpu_milli, MILLI)
            self.left = tuple(left)
            self._ways = {}
        if resources.custom:
            custom = dict(self._custom)
            for name, amount in resources.custom.items():
                custom[name] = custom.get(name, 0) + sign * amount
            self._custom = custom

    def fits(self, shape: Shape) -> bool:
        """Whether the job could run here now."""
        return self.has_beside_devices(shape) and bool(self.ways(shape.of_devices))

    def holds(self, shape: Shape, most: int) -> int:
        """How many such jobs could run here beside one another, if not more than so many."""
        times = [self.cpu_milli // shape.cpu_milli, self.memory_mib // shape.memory_mib]
        times += [self._custom.get(name, 0) // amount for name, amount in shape.custom]
        milli, number, kind = shape.of_devices
        if number:
            usable = usable_devices(self.kinds, kind)
            times.append(sum(self.left[place] // milli for place in usable) // number)
        return max(0, min(most, *times))

    def has_beside_devices(self, shape: Shape) -> bool:
        """Whether everything but the devices is there."""
        if shape.cpu_milli > self.cpu_milli or shape.memory_mib > self.memory_mib:
            return False
        return not shape.custom or all(
            amount <= self._custom.get(name, 0) for name, amount in shape.custom
        )

    def ways(self, wanted: Devices) -> list[Way]:
        """All there are, and what each leaves; remembered until a device is taken or given."""
        ways = self._ways.get(wanted)
        if ways is None:
            choices = self.choices(wanted, usable_devices(self.kinds, wanted.kind))
            ways = self._ways[wanted] = [self._way(places, wanted.milli) for places in choices]
        return ways

    def _way(self, places: tuple[int, ...], milli: int) -> Way:
        after = list(self.left)
        for place in places:
            after[place] -= milli
        return Way(sum(self.left[place] for place in places), places, tuple(after))

    def choices(self, wanted: Devices, usable: Sequence[int]) -> list[tuple[int, ...]]:
        """Places of the devices, among the usable ones, that a job could have: each way once.

        Of ways that leave the node alike only the first is told.
        """
        if not wanted.number:
            return [()]
        left = self.left
        if wanted.milli == MILLI:
            whole = [place for place in usable if left[place] == MILLI]
            return [tuple(whole[: wanted.number])] if len(whole) >= wanted.number else []
        alike = {
            (left[place], self.kinds[place]): (place,)
            for place in reversed(usable)
            if left[place] >= wanted.milli
        }
        return list(alike.values())
