"""Where a worker is: the whole of a machine, or a part of one that others give out too."""

from __future__ import annotations

from collections.abc import Collection

from pileus.compute.executor import Executor
from pileus.core.schemas.resources import Capacity


class Place:
    """Where a worker is, as far as it matters to it: this machine, and all of it."""

    runners_outlive_us = False
    """Whether runners must not be our children."""

    def executor(self, here: Executor) -> Executor:
        """What starts attempts, by way of what starts processes here."""
        return here

    def capacity(self, found: Capacity) -> Capacity:
        """What it may give of what was found on the machine."""
        return found

    async def recover(self, attempts: Collection[str]) -> None:
        """Put in order what an earlier worker left elsewhere: these attempts are here."""
