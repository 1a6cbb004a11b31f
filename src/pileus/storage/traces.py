"""What a database keeps of a value after it was overwritten, and who clears it."""

from __future__ import annotations

from typing import Protocol


class Traces(Protocol):
    """Clears, in files that belong to the installation, what rows of a project said before."""

    async def clear(self, project: str) -> None:
        """Repeating it does no harm."""
        ...


class NoTraces:
    """For a database that is not a file of ours: its own upkeep (VACUUM) overwrites what was."""

    async def clear(self, project: str) -> None:
        del project
