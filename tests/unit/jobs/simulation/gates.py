"""A database whose callers stop before and after each transaction until the world lets them on.

Stopped before, a process has loaded and decided and written nothing yet. Stopped after, it has
written, and nobody has heard of it. It may be killed at either, or find the connection lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

from pileus.core.clock import Clock
from pileus.storage.database import Database
from pileus.storage.errors import DatabaseUnavailable
from pileus.storage.transaction import Change, Snapshot, Transaction
from tests.unit.jobs.simulation import quiet

T = TypeVar("T")


class Gate:
    """Where one operation of a server stands."""

    current: ContextVar[Gate] = ContextVar("gate")

    def __init__(self) -> None:
        self._stopped: list[asyncio.Future[None]] = []
        """The tasks of the operation that stand here, the first that came first."""

    @property
    def is_free(self) -> bool:
        """Whether nothing stands here."""
        return not self._stopped

    async def stop(self) -> None:
        stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopped.append(stopped)
        await stopped

    def open(self) -> None:
        if self._stopped:
            self._stopped.pop(0).set_result(None)

    def lose_connection(self) -> None:
        if self._stopped:
            self._stopped.pop(0).set_exception(DatabaseUnavailable("The connection was lost"))


class GatedDatabase:
    """A `Database` as one server sees it; `now` is the world's, whatever store is behind it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.writes = database.writes

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        return await self._written(self._database.write, work)

    async def jot(self, work: Callable[[Transaction], T]) -> T:
        return await self._written(self._database.jot, work)

    async def read(self, work: Callable[[Snapshot], T]) -> T:
        return await self._found(self._database.read, work)

    async def glance(self, work: Callable[[Snapshot], T]) -> T:
        return await self._found(self._database.glance, work)

    async def _written(self, write: Any, work: Callable[[Transaction], T]) -> T:
        await self._gate()
        result: T = await quiet.current().outside(
            write(lambda transaction: work(_Timed(transaction, self._clock)))
        )
        await self._gate()
        return result

    async def _found(self, read: Any, work: Callable[[Snapshot], T]) -> T:
        await self._gate()
        result: T = await quiet.current().outside(
            read(lambda snapshot: work(_Timed(snapshot, self._clock)))
        )
        return result

    async def wait(self, after: int, timeout: float) -> int:  # noqa: ASYNC109  the Protocol's
        return after

    def recent(self, after: int) -> Sequence[Change] | None:
        return None

    async def _gate(self) -> None:
        gate = Gate.current.get(None)
        if gate is not None:  # what the world itself asks goes through
            await gate.stop()


class _Timed:
    """A transaction with a clock of its own."""

    def __init__(self, transaction: Snapshot, clock: Clock) -> None:
        self._transaction = transaction
        self.now = clock.now()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)
