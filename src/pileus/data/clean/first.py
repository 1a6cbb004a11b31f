"""Which rows are the first of their kind, in 16 bytes of memory a row."""

from __future__ import annotations

import hashlib
from array import array

import numpy as np
from numpy.typing import NDArray


class Contents:
    """Digests of contents, in order. 128 bits: no two contents of any data set share one."""

    def __init__(self) -> None:
        self._high = array("Q")
        self._low = array("Q")

    def add(self, content: bytes) -> None:
        digest = hashlib.sha256(content).digest()
        self._high.append(int.from_bytes(digest[:8], "big"))
        self._low.append(int.from_bytes(digest[8:16], "big"))

    def first(self) -> NDArray[np.bool_]:
        """True for each content that none before it equals."""
        high = np.frombuffer(self._high, dtype=np.uint64)
        low = np.frombuffer(self._low, dtype=np.uint64)
        order = np.lexsort((low, high))  # stable: among equals, the first stays first
        is_first = np.ones(len(order), dtype=np.bool_)
        if len(order):
            same = (np.diff(high[order]) == 0) & (np.diff(low[order]) == 0)
            is_first[order[1:][same]] = False
        return is_first
