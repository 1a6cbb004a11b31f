"""Faults of several files, reported in one error, or passed over one by one."""

from __future__ import annotations

from pileus.core.errors import PileusError
from pileus.data.errors import SourceFaulty
from pileus.data.faults import Faults

_NAMED = 10
"""So many faults are named in one error; the rest are counted."""


class Gathered:
    """What is wrong with the files of one source, up to where it is reported."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._named: list[PileusError] = []
        self._kinds: set[type[PileusError]] = set()
        self.count = 0
        """How many files were met, passed over ones included."""

    def add(self, error: PileusError, name: str) -> None:
        """Pass over a file, or keep its error for `report`."""
        self.count += 1
        if self._faults.is_skipping:
            self._faults.meet(error, name)
            return
        self._kinds.add(type(error))
        if len(self._named) < _NAMED:
            self._named.append(error)

    def report(self, what: str) -> None:
        """Raise what was kept, if anything was; `what` says what was counted, in the plural."""
        if not self._named:
            return
        first = self._named[0]
        if self.count == 1:
            raise type(first)(first.message, hint=f"{first.hint} Or go on without it: --skip-bad.")
        kind = type(first) if len(self._kinds) == 1 else SourceFaulty
        more = self.count - len(self._named)
        raise kind(
            f"{self.count:,} {what} cannot be used: "
            + "; ".join(error.message for error in self._named)
            + (f"; and {more:,} more" if more else ""),
            hint="Remove them or put whole copies in their place, or go on without them: --skip-bad.",
        )
