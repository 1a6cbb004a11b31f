"""Parts of a source that cannot be used: refused, or passed over and listed (`--skip-bad`)."""

from __future__ import annotations

from dataclasses import dataclass

from pileus.core.errors import PileusError

MAX_SKIPPED = 100_000
"""More than this is no source with faults, but another source than was meant; memory is bounded."""


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
        if len(self.skipped) == MAX_SKIPPED:
            raise type(error)(
                f"{error.message}; {MAX_SKIPPED:,} parts before it cannot be used either",
                hint="Look at the first ones: run this again without --skip-bad.",
            )
        self.skipped.append(Skipped(name, line, error.code, error.message))
