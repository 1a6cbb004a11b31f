"""Whose token it is, remembered until the change feed tells of anything that rights come from.

What another server changes is heard of in milliseconds; should that word be lost, rights that were taken
back are remembered for `KEPT_SECONDS` at most.
"""

from __future__ import annotations

from typing import NamedTuple

from pileus.core.clock import Clock
from pileus.core.schemas.tenancy import Caller
from pileus.storage.database import Database

KEPT_SECONDS = 5.0
_MOST = 1000
_NOUNS = {"project", "principal", "token"}


class _Known(NamedTuple):
    caller: Caller
    until: float


class KnownCallers:
    """Callers by the hash of their token."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._seen = 0
        self.forgotten = 0
        """How often all were forgotten: what was read before that may be out of date."""

    async def find(self, digest: str) -> Caller | None:
        """Who holds the token, if that was remembered and still holds."""
        changes = self._database.recent(self._seen)
        self._seen = await self._database.wait(0, 0) if changes is None else self._seen
        if changes:
            self._seen = changes[-1].seq
        if changes is None or any(change.noun in _NOUNS for change in changes):
            self._forget()
        known = self._known.get(digest)
        return known.caller if known and self._clock.monotonic() < known.until else None

    def remember(
        self, digest: str, caller: Caller, forgotten: int, expires_in_seconds: float
    ) -> None:
        """Note who holds a token that holds for so long, as it was read after `forgotten`."""
        if forgotten != self.forgotten:
            return
        if len(self._known) >= _MOST:
            self._forget()
        until = self._clock.monotonic() + min(KEPT_SECONDS, expires_in_seconds)
        self._known[digest] = _Known(caller, until)

    def _forget(self) -> None:
        self._known.clear()
        self.forgotten += 1
