"""Group commit: one thread writes, and as many units of work as are waiting share one commit.

A failing one takes nothing along: they run without savepoints, which cost more than what they
guard, and when one fails all are taken back and run again, each in a savepoint of its own. Nobody
hears of success or failure before the commit. Because the thread holds the feed's row from the start, works
run one after the other over all servers, and entries of the feed commit in order.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from pileus.core.errors import PileusError
from pileus.core.failpoints import failpoint
from pileus.storage.databases.sql_failures import Lost, is_repeatable, meaning
from pileus.storage.databases.sql_statements import Statements
from pileus.storage.databases.sql_transaction import Feed, Now, SqlTransaction
from pileus.storage.errors import DatabaseUnavailable
from pileus.storage.tables import FEED, FEED_ROW
from pileus.storage.transaction import Change, Transaction
from pileus.storage.writes import Writes

T = TypeVar("T")

LARGEST_GROUP = 128
"""Works in one commit; more would let the first ones wait for the last."""

TRIES = 5
"""Of one work whose transaction another writer or a restarting database broke."""

_FIRST_PAUSE_SECONDS = 0.05


class Queued(Generic[T]):
    """A unit of work, what came of it, and who waits for that."""

    def __init__(self, work: Callable[[Transaction], T]) -> None:
        self.future: Future[T] = Future()
        self._work = work
        self._result: T | None = None
        self._error: BaseException | None = None

    def run(self, transaction: SqlTransaction) -> bool:
        """Do it; whether it succeeded. Raises only what breaks the whole transaction."""
        self._result, self._error = None, None
        try:
            self._result = self._work(transaction)
            transaction.flush()
        except Lost:
            raise
        except BaseException as error:  # noqa: BLE001  it is the caller's, whatever it is
            self._error = error
            return False
        return True

    def resolve(self) -> None:
        """Tell the caller, once the transaction is committed."""
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(self._result)  # type: ignore[arg-type]


class GroupWriter:
    """The one writer of this process."""

    def __init__(
        self,
        engine: sa.Engine,
        statements: Statements,
        now: Now,
        committing: Callable[[sa.Connection, int], None],
        committed: Callable[[int, Sequence[Change]], None],
        name: str,
        writes: Writes,
    ) -> None:
        """When the feed grew, `committing` is called just before the commit, in its transaction,
        and `committed` right after it, with the changes; both in the writer's thread."""
        self._engine = engine
        self._statements = statements
        self._now = now
        self._committing = committing
        self._committed = committed
        self._name = name
        self._writes = writes
        self._queue: queue.SimpleQueue[Queued[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="database-writer", daemon=True)
        self._is_closed = False

    def start(self) -> None:
        self._thread.start()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        if self._is_closed:
            raise DatabaseUnavailable(f"{self._name} is closed", hint="Start it again.")
        queued = Queued(work)
        began = time.monotonic()
        self._queue.put(queued)
        try:
            return await asyncio.wrap_future(queued.future)
        finally:
            self._writes.seconds.observe(time.monotonic() - began)

    def stop(self) -> None:
        """Take nothing more; what is queued is finished. Called in the event loop."""
        self._is_closed = True
        self._queue.put(None)

    def join(self) -> None:
        """Block until the thread has ended."""
        self._thread.join()

    def _loop(self) -> None:
        is_last = False
        while not is_last:
            group, is_last = self._next_group()
            running = [queued for queued in group if queued.future.set_running_or_notify_cancel()]
            try:
                if running:
                    self._writes.groups.observe(len(running))
                    self._settle(running)
            except Exception as error:  # noqa: BLE001  the thread must outlive a bug, callers know
                self._fail(running, error)

    def _next_group(self) -> tuple[list[Queued[Any]], bool]:
        """What waits, at least one work; and whether the writer was told to stop."""
        group: list[Queued[Any]] = []
        item = self._queue.get()
        while item is not None:
            group.append(item)
            if len(group) == LARGEST_GROUP or self._queue.empty():
                return group, False
            item = self._queue.get()
        return group, True

    def _settle(self, group: list[Queued[Any]], tries: int = TRIES) -> None:
        """Run a group and resolve its futures, whatever happens."""
        try:
            self._commit(group)
        except _BrokenOff as broken:
            if broken.is_repeatable and tries > 1:
                time.sleep(_FIRST_PAUSE_SECONDS * 2 ** (TRIES - tries))
                self._settle(group, tries - 1)
            elif broken.in_work and len(group) > 1:
                # One of them broke the transaction of all; alone, only that one fails.
                for queued in group:
                    self._settle([queued])
            else:
                self._fail(group, broken.meaning)
        except Lost as error:
            # At the commit: a lost connection leaves open whether it happened, so nothing is
            # repeated here.
            self._fail(group, meaning(error, self._name))
        else:
            for queued in group:
                queued.resolve()

    def _commit(self, group: list[Queued[Any]]) -> None:
        with _breaking_off(self._name, in_work=False):
            connection = self._engine.connect()
        with connection:
            with _breaking_off(self._name, in_work=False):
                feed = self._begin(connection)
            if not all(self._run(queued, connection, feed) for queued in group):
                with _breaking_off(self._name, in_work=False):
                    connection.rollback()
                if len(group) == 1:
                    return
                with _breaking_off(self._name, in_work=False):
                    feed = self._begin(connection)
                for queued in group:
                    self._run_apart(queued, connection, feed)
            if feed.changes:
                with _breaking_off(self._name, in_work=False):
                    self._statements.put(FEED).run(connection, {"id": FEED_ROW, "seq": feed.seq})
                    self._committing(connection, feed.seq)
            failpoint("database.before_commit")
            connection.commit()
            failpoint("database.committed")
        if feed.changes:
            self._committed(feed.seq, feed.changes)

    def _run(self, queued: Queued[Any], connection: sa.Connection, feed: Feed) -> bool:
        transaction = SqlTransaction(connection, self._statements, self._now, feed)
        with _breaking_off(self._name, in_work=True):
            return queued.run(transaction)

    def _run_apart(self, queued: Queued[Any], connection: sa.Connection, feed: Feed) -> None:
        mark = len(feed.changes)
        with _breaking_off(self._name, in_work=True):
            savepoint = connection.begin_nested()
            if self._run(queued, connection, feed):
                savepoint.commit()
            else:
                savepoint.rollback()
                del feed.changes[mark:]

    def _begin(self, connection: sa.Connection) -> Feed:
        connection.begin()
        [(_, seq)] = self._statements.locked(FEED).rows(connection, {"id": FEED_ROW})
        return Feed(seq)

    @staticmethod
    def _fail(group: list[Queued[Any]], error: BaseException) -> None:
        for queued in group:
            if not queued.future.done():
                queued.future.set_exception(error)


class _BrokenOff(Exception):
    """The transaction ended before its commit: nothing of it is there."""

    def __init__(self, error: sa.exc.DBAPIError, name: str, *, in_work: bool) -> None:
        super().__init__(str(error))
        self.meaning: PileusError = meaning(error, name)
        self.is_repeatable = is_repeatable(error)
        self.in_work = in_work


@contextmanager
def _breaking_off(name: str, *, in_work: bool) -> Iterator[None]:
    try:
        yield
    except Lost as error:
        raise _BrokenOff(error, name, in_work=in_work) from error
