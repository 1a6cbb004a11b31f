"""
Hashes of 64 bits that are near each other for images that look alike.

dHash: whether brightness rises from pixel to pixel of a row, at 9 x 8. N. Krawetz, "Kind of Like
That", The Hacker Factor Blog, 2013. pHash: the signs of the low frequencies of a cosine transform
at 32 x 32, against their median. N. Krawetz, "Looks Like It", The Hacker Factor Blog, 2011.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pileus.data.images import decode, resize

_SIDE = 32
_LOW = 8


def dhash(data: bytes, name: str) -> int:
    """Of the bytes of an image file."""
    pixels = resize(decode(data, "L", name), (_LOW, _LOW + 1))[:, :, 0].astype(np.int16)
    return _bits(np.diff(pixels, axis=1) > 0)


def phash(data: bytes, name: str) -> int:
    """Of the bytes of an image file."""
    pixels = resize(decode(data, "L", name), (_SIDE, _SIDE))[:, :, 0].astype(np.float64)
    low = (_COSINES @ pixels @ _COSINES.T)[:_LOW, :_LOW]
    # The first is the mean brightness, which says nothing of the shapes.
    return _bits(low > np.median(low.ravel()[1:]))


def _bits(signs: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(signs.ravel()).tobytes(), "big")


def _cosines() -> NDArray[np.float64]:
    """The matrix of the cosine transform, type II."""
    at = np.arange(_SIDE)
    return np.cos(np.pi * at[:, None] * (2 * at[None, :] + 1) / (2 * _SIDE))


_COSINES = _cosines()
