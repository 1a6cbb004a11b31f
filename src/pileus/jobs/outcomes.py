"""What the success of a job makes beside its own row, in the transaction that ends the job.

`server/wiring.py` gives the engine one for each kind of job that has any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pileus.core.errors import PileusError
from pileus.core.schemas.jobs import Artifact, Job
from pileus.storage.transaction import Transaction

Make = Callable[[Transaction], None]
"""Writes what was read before; called once, or again when its transaction is tried again."""


class Outcome(Protocol):
    """What jobs of one kind make."""

    async def read(self, job: Job, attempt: str, artifacts: Sequence[Artifact]) -> Make | None:
        """Read and check what a successful attempt left behind; None if nothing is to be made.

        Raises InvalidRequest or Conflict when it may not become what was asked for.
        """
        ...

    def refused(self, job: Job, error: PileusError) -> Job:
        """The job, which has succeeded, with the news that `error` was raised."""
        ...
