"""Gives the middle of a file back to the file system; the file keeps its size and its offsets."""

from __future__ import annotations

import sys

_KEEP_SIZE = 0x01
_PUNCH_HOLE = 0x02


def punch(descriptor: int, start: int, end: int) -> bool:
    """Free the blocks between two offsets, which read as zeros from then on: fallocate(2).

    False where that cannot be done, as on another system than Linux, and nothing has changed.
    """
    if end <= start or not sys.platform.startswith("linux"):
        return False
    import ctypes  # only for logs that outgrow what is kept of them

    fallocate = ctypes.CDLL(None).fallocate64
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return bool(fallocate(descriptor, _PUNCH_HOLE | _KEEP_SIZE, start, end - start) == 0)
