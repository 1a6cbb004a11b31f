"""Devices that a job asks for, and which of a node's devices do."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

Left = tuple[int, ...]
"""Thousandths left of each device of a node, in the order of the devices."""


class Devices(NamedTuple):
    """So many devices of a kind, with `milli` thousandths of each; 0 of 0 without a GPU."""

    milli: int
    number: int
    kind: str | None


@lru_cache(maxsize=1024)  # there are few kinds, and each placement asks for many nodes
def usable_devices(kinds: tuple[str, ...], wanted: str | None) -> tuple[int, ...]:
    """Places of the devices that do for whoever wants this kind."""
    return tuple(
        place for place, kind in enumerate(kinds) if wanted is None or _is_of_kind(kind, wanted)
    )


def _is_of_kind(kind: str, wanted: str) -> bool:
    """Whether a device's kind has the words of `wanted` in it: `h200` is an `nvidia-h200`."""
    return f"-{wanted.lower()}-" in f"-{kind}-"
