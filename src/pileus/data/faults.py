"""Parts of a source that cannot be used: refused, or passed over and listed (`--skip-bad`)."""

from __future__ import annotations

from dataclasses import dataclass

from pileus.core.errors import PileusError


@dataclass(frozen=True)
class Skipped:
    """One part that was left out: a file, or a line (or row, from 1) of a file."""

    name: str
    line: int | None
    code: str
    reason: str


class Faults:
    """Decides what a fault in one file or line does to the whole, and remembers it."""

    def __init__(self, *, skip: bool = False) -> None:
        self.is_skipping = skip
        self.skipped: list[Skipped] = []

    def meet(self, error: PileusError, name: str, line: int | None = None) -> None:
        """Raise `error`; note it and return when faults are skipped."""
        if not self.is_skipping:
            raise error
        self.skipped.append(Skipped(name, line, error.code, error.message))
