"""
MinHash: estimates how alike texts are from a fixed number of hashes of each.

A. Broder, "On the resemblance and containment of documents", 1997. Hashes are multiply-shift, of
Dietzfelbinger and others, "A reliable randomized algorithm for the closest-pair problem", 1997.
Candidates share a band of their signatures, so that not every pair is compared.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

HASHES = 128
"""The standard error of an estimated similarity is at most 0.5 / sqrt(128), 0.044."""

_BANDS = 32
"""Of four hashes each: texts of similarity 0.7 share one with probability 0.9998."""

_SHINGLE = 5
Signature = NDArray[np.uint32]


class Similar:
    """Remembers texts, and tells whether a new one is like any of them."""

    def __init__(self, similarity: float, seed: int) -> None:
        random = np.random.Generator(np.random.PCG64(seed))
        high = np.iinfo(np.uint64).max
        self._factors = random.integers(0, high, HASHES, dtype=np.uint64) | np.uint64(1)
        self._terms = random.integers(0, high, HASHES, dtype=np.uint64)
        self._similarity = similarity
        self._signatures: list[Signature] = []
        self._bands: dict[bytes, list[int]] = {}

    def meets(self, text: str, among: bytes) -> bool:
        """Whether a text of the same `among` is like this one; remembers it if none is."""
        signature = self._signature(text)
        places = [
            among + bytes([number]) + part.tobytes()
            for number, part in enumerate(np.split(signature, _BANDS))
        ]
        tried: set[int] = set()
        for place in places:
            for other in self._bands.get(place, ()):
                if other not in tried:
                    tried.add(other)
                    alike = np.mean(self._signatures[other] == signature)
                    if alike >= self._similarity:
                        return True
        self._signatures.append(signature)
        for place in places:
            self._bands.setdefault(place, []).append(len(self._signatures) - 1)
        return False

    def _signature(self, text: str) -> Signature:
        letters = text.encode()
        count = max(1, len(letters) - _SHINGLE + 1)
        shingles = np.array(
            sorted({zlib.crc32(letters[at : at + _SHINGLE]) for at in range(count)}),
            dtype=np.uint64,
        )
        # Overflow is the hash: the upper half of a product modulo 2^64.
        hashes = (shingles[:, None] * self._factors + self._terms) >> np.uint64(32)
        return np.asarray(hashes.min(axis=0), dtype=np.uint32)
