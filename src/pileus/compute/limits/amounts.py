"""How much an attempt may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

MIB = 1024 * 1024

LEAST_MEMORY_MIB = 32
"""No attempt is held to less: an interpreter alone may take that to come up."""


class Limits(NamedTuple):
    """Part of `launch.json`. None is no limit."""

    cpu_milli: int | None = None
    """Thousandths of a processor; held only by a control group."""

    memory_mib: int | None = None
    disk_mib: int | None = None
    """Of the attempt's directory, less its inputs."""

    cgroup: str | None = None
    """Control group below which the attempt has one of its own; None where the node has none."""

    @staticmethod
    def of(launch: Mapping[str, Any]) -> Limits:
        """Those of a launch; a document of an earlier release has none."""
        found = launch.get("limits") or {}
        return Limits(**{name: found.get(name) for name in Limits._fields})
