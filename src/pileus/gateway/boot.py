"""The identity of one lane boot: what its meters, records and prediction ids are filed under."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pileus.core.ids import RandomBits

_LANE_BITS = 16
_SOURCE_BITS = 128


@dataclass(frozen=True)
class LaneBoot:
    """One start of one lane."""

    source: str
    """128 random bits in hex: never used again."""

    lane: int
    """16 random bits: part of every prediction id of this boot."""


def new_boot(bits: RandomBits, taken: set[int]) -> LaneBoot:
    """A boot whose lane number is not among `taken`, those that still have files here."""
    lane = bits.getrandbits(_LANE_BITS)
    while lane in taken:
        lane = bits.getrandbits(_LANE_BITS)
    return LaneBoot(f"{bits.getrandbits(_SOURCE_BITS):032x}", lane)


def lanes_on_disk(directory: Path) -> set[int]:
    """Lane numbers of files of earlier or other boots; names begin with the lane in hex."""
    lanes = set()
    for path in directory.rglob("*-*"):
        head = path.name.partition("-")[0]
        if len(head) == _LANE_BITS // 4:
            try:
                lanes.add(int(head, 16))
            except ValueError:
                continue
    return lanes
