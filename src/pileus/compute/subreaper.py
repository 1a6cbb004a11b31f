"""Adopts the orphans among our descendants, so that a daemon's double fork does not lose them."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
"""prctl(2), since Linux 3.4."""


def adopt_orphans() -> None:
    """From now on descendants whose parent ends become children of this process; Linux only."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(child: int) -> tuple[int, Any] | None:
    """Status and use of `child` if it has ended; adopted orphans that have are laid to rest."""
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == 0:
            return None
        if pid == child:
            return status, usage
