"""What services hold: a database that runs units of work, and tells when something changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from pileus.storage.transaction import Change, Snapshot, Transaction
from pileus.storage.writes import Writes

T = TypeVar("T")


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

    async def read(self, work: Callable[[Snapshot], T]) -> T:
        """Run `work` on one consistent state."""
        ...

    def recent(self, after: int) -> Sequence[Change] | None:
        """The changes after `after` that `wait` has told of, without reading them; None where this
        process does not remember all of them."""
        ...

    async def wait(self, after: int, timeout: float) -> int:  # noqa: ASYNC109  a long poll
        """The last change's `seq`, as soon as it is above `after`, or after `timeout` seconds."""
        ...
