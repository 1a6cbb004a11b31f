"""What is to be expected of jobs that want GPUs: the requests that are most often made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import inf
from typing import NamedTuple

from pileus.core.schemas.resources import MILLI, Resources, thousandths
from pileus.jobs.policy.devices import Devices

_SHARE = 0.95
"""The most frequent requests that together make this share of all stand for all."""

_MOST = 64
"""No more of them are looked at, whatever the share: each makes a decision slower."""


class Shape(NamedTuple):
    """A request as placement sees it."""

    cpu_milli: int
    memory_mib: int
    of_devices: Devices
    custom: tuple[tuple[str, int], ...]

    @staticmethod
    def of(resources: Resources) -> Shape:
        """The shape of a request."""
        custom = tuple(sorted(resources.custom.items())) if resources.custom else ()
        return _shape(
            resources.cpu, resources.memory_mib, resources.gpu, resources.gpu_kind, custom
        )

    @staticmethod
    def plain(cpu_milli: int, memory_mib: int, gpu_milli: int) -> Shape:
        """One that asks for GPUs of any kind, and for no custom flavour."""
        return Shape(cpu_milli, memory_mib, _devices(gpu_milli, None), ())


@lru_cache(maxsize=4096)  # a decision asks for that of every job, and few shapes stand for many
def _shape(
    cpu: float, memory_mib: int, gpu: float, kind: str | None, custom: tuple[tuple[str, int], ...]
) -> Shape:
    return Shape(thousandths(cpu), memory_mib, _devices(thousandths(gpu), kind), custom)


def _devices(gpu_milli: int, kind: str | None) -> Devices:
    number = gpu_milli // MILLI if gpu_milli >= MILLI else int(gpu_milli > 0)
    return Devices(min(gpu_milli, MILLI), number, kind)


class Asked(NamedTuple):
    """A shape, so many times at once."""

    shape: Shape
    gang: int = 1


class Expected(NamedTuple):
    """A shape, and the share of all requests that have it."""

    shape: Shape
    share: float


class Demand:
    """Shapes by share, the most frequent first."""

    def __init__(self, expected: tuple[Expected, ...]) -> None:
        self.expected = expected
        gpu = sum(
            one.share * one.shape.of_devices.milli * one.shape.of_devices.number for one in expected
        )
        self._cpu = sum(one.share * one.shape.cpu_milli for one in expected) / (gpu or 1)
        self._memory = sum(one.share * one.shape.memory_mib for one in expected) / (gpu or 1)

    def fed(self, cpu_milli: int, memory_mib: int) -> float:
        """For how many thousandths of GPUs so much is enough, with what one brings on average."""
        by_cpu = cpu_milli / self._cpu if self._cpu else inf
        by_memory = memory_mib / self._memory if self._memory else inf
        return min(by_cpu, by_memory)

    @staticmethod
    def of(seen: Iterable[Shape]) -> Demand:
        """What was seen is what will come; in any order, and without a GPU it does not matter."""
        return Demand.counted(Counter(seen))

    @staticmethod
    def counted(seen: Mapping[Shape, int]) -> Demand:
        """The same of shapes with how often each was seen."""
        counts = Counter({shape: n for shape, n in seen.items() if shape.of_devices.number})
        ordered = sorted(counts.items(), key=lambda entry: (-entry[1], *_order(entry[0])))
        enough = _SHARE * counts.total()
        typical: list[tuple[Shape, int]] = []
        total = 0
        for shape, count in ordered[:_MOST]:
            if total >= enough:
                break
            typical.append((shape, count))
            total += count
        return Demand(tuple(Expected(shape, count / total) for shape, count in typical))


def _order(shape: Shape) -> tuple[object, ...]:
    milli, number, kind = shape.of_devices
    return (shape.cpu_milli, shape.memory_mib, milli, number, kind or "", shape.custom)
