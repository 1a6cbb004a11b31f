"""
Limits of one process that its children inherit; ours, set before we start the attempt.

Not among them: RLIMIT_AS (see `memory.py`), and RLIMIT_NPROC, which counts all processes of the
user, those of other attempts and of people as well.
"""

from __future__ import annotations

import resource

from pileus.compute.limits.amounts import MIB, Limits


def apply(limits: Limits) -> None:
    """No core dumps, which hold secrets and fill disks; no file larger than the quota."""
    _lower(resource.RLIMIT_CORE, 0)
    if limits.disk_mib is not None:
        _lower(resource.RLIMIT_FSIZE, limits.disk_mib * MIB)


def _lower(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    most = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (most, most))
