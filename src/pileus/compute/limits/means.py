"""Which means hold attempts on this node: written by the worker, read by `pileus doctor`."""

from __future__ import annotations

import sys
from pathlib import Path

BY_KERNEL = "held by the kernel"
BY_WATCHING = "watched, and ended beyond it"
NOT_HELD = "not held"


def in_force(cgroup: Path | None) -> dict[str, str]:
    """Resource → how its limit is held. `cgroup` is the group below which attempts have theirs."""
    if cgroup is not None:
        on = (cgroup / "cgroup.subtree_control").read_text(encoding="utf-8").split()
        held = {"cpu": "cpu", "memory": "memory", "processes": "pids"}
        found = {name: BY_KERNEL for name, controller in held.items() if controller in on}
    else:
        found = {"memory": BY_WATCHING} if sys.platform.startswith("linux") else {}
    wanted = ("cpu", "memory", "processes")
    return {name: found.get(name, NOT_HELD) for name in wanted} | {"disk": BY_WATCHING}
