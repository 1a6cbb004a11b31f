"""Adopts the orphans among our descendants, so that a daemon's double fork does not lose them."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
"""prctl(2), since Linux 3.4."""


def adopt_orphans() -> bool:
    """From now on descendants whose parent ends become children of this process; Linux only.

    Whether the system does so.
    """
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


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


def is_childless() -> bool:
    """Whether no process is left below this one, which adopts orphans: no child, no descendant."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == 0:
            return False
