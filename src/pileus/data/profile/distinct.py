"""
How many different contents there are, in bounded memory and the same on every machine.

Contents are 64-bit hashes. All are kept up to a limit; above it only those below a threshold,
which halves as often as needed (Gibbons, "Distinct sampling for highly-accurate answers", VLDB
2001). Up to the limit the count is exact; beyond it, "no row repeats another" still is.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

ROWS = 1_000_000
"""Hashes of rows kept: 8 MB; the estimate beyond is off by about 0.2 %."""

VALUES = 16_384
"""Hashes of the values of one column kept; the estimate beyond is off by about 1 %."""


def hashes(contents: Iterable[bytes]) -> Hashes:
    """The first 64 bits of the SHA-256 of each."""
    joined = b"".join([hashlib.sha256(content).digest()[:8] for content in contents])
    return np.frombuffer(joined, dtype=">u8").astype(np.uint64)


class Distinct:
    """Counts different hashes."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._found: list[Hashes] = [np.empty(0, np.uint64)]
        self._counts: list[Hashes] = [np.empty(0, np.uint64)]
        self._pending = 0
        self._halvings = 0
        self._rows = 0

    def see(self, found: Hashes) -> None:
        """Take note of hashes, whether they repeat or not."""
        self._rows += len(found)
        self._found.append(self._below(found))
        self._counts.append(np.ones(len(self._found[-1]), np.uint64))
        self._pending += len(self._found[-1])
        if self._pending > self._capacity:
            self._shrink()

    @property
    def is_exact(self) -> bool:
        """Whether the count is no estimate."""
        self._shrink()
        return self._halvings == 0

    def count(self) -> int:
        """How many of all that were seen are different."""
        found, counts = self._shrink()
        if not self._halvings:
            return len(found)
        scaled = len(found) << self._halvings
        by_share = self._rows * len(found) // int(counts.sum())
        # The share of rows that repeat is the better guess, unless one content is so many rows
        # that keeping it or not decides the share; then the two are far apart.
        is_near = abs(by_share - scaled) <= 4 * scaled / math.sqrt(len(found))
        return by_share if is_near else min(scaled, self._rows)

    def shared(self, other: Distinct) -> int:
        """Different hashes that both have seen."""
        (ours, _), (theirs, _) = self._shrink(), other._shrink()
        halvings = max(self._halvings, other._halvings)
        return len(np.intersect1d(ours, theirs, assume_unique=True)) << halvings

    def joined(self, other: Distinct) -> Distinct:
        """Of the hashes of both."""
        both = Distinct(self._capacity)
        both._rows = self._rows + other._rows
        both._halvings = max(self._halvings, other._halvings)
        both._found = [*self._found, *other._found]
        both._counts = [*self._counts, *other._counts]
        both._shrink()
        return both

    def _below(self, found: Hashes) -> Hashes:
        return found[self._is_below(found)] if self._halvings else found

    def _is_below(self, found: Hashes) -> NDArray[np.bool_]:
        return found < np.uint64(1 << (64 - self._halvings))

    def _shrink(self) -> tuple[Hashes, Hashes]:
        """The hashes kept, ascending, and how often each was seen."""
        found, places = np.unique(np.concatenate(self._found), return_inverse=True)
        counts = np.zeros(len(found), np.uint64)
        np.add.at(counts, places, np.concatenate(self._counts))
        while True:
            if self._halvings:
                chosen = self._is_below(found)
                found, counts = found[chosen], counts[chosen]
            if len(found) <= self._capacity:
                break
            self._halvings += 1
        self._found, self._counts, self._pending = [found], [counts], 0
        return found, counts
