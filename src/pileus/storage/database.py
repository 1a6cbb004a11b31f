"""What services hold: a database that runs units of work, and tells when something changed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from pileus.storage.transaction import Change, Snapshot, Transaction
from pileus.storage.writes import Writes

T = TypeVar("T")

SOME_ROWS = 32
"""As many things as one `jot` or `glance` may be about: a few milliseconds."""


class Database(Protocol):
    """Rows behind transactions; three implementations in `databases/`.

    A unit of work is a plain function: it does no I/O of its own and may run more than once.
    """

    writes: Writes
    """Figures of what was written since the start."""

    async def start(self) -> None:
        """Open it. Raises DatabaseUnavailable."""
        ...

    async def close(self) -> None:
        """Finish what is queued and close it."""
        ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction; when it returns, everything is committed, when it raises,
        nothing is. Raises StorageFull, DatabaseUnavailable."""
        ...

    async def jot(self, work: Callable[[Transaction], T]) -> T:
        """`write` of some rows by what is indexed, which may hold up whatever else the event loop does:
        where that takes less than to hand the work to a thread, the loop does it."""
        ...

    async def read(self, work: Callable[[Snapshot], T]) -> T:
        """Run `work` on one consistent state."""
        ...

    async def glance(self, work: Callable[[Snapshot], T]) -> T:
        """`read` of some rows by what is indexed, as `jot` writes them. Nobody else may have had a turn
        when it returns, nor the caller been cancelled."""
        ...

    def recent(self, after: int) -> Sequence[Change] | None:
        """The changes after `after` that `wait` has told of, without reading them; None where this
        process does not remember all of them."""
        ...

    async def wait(self, after: int, timeout: float) -> int:  # noqa: ASYNC109  a long poll
        """The last change's `seq`, as soon as it is above `after`, or after `timeout` seconds."""
        ...


def writing(
    database: Database, things: int
) -> Callable[[Callable[[Transaction], T]], Coroutine[Any, Any, T]]:
    """The way to write what is about so many things."""
    return database.jot if things <= SOME_ROWS else database.write
