"""Group commit: one after the other, and as many units of work as are waiting share one commit.

A failing one takes nothing along: they run without savepoints, which cost more than what they
guard, and when one fails all are taken back and run again, each in a savepoint of its own. Nobody
hears of success or failure before the commit. Because the writer holds the feed's row from the start, works
run one after the other over all servers, and entries of the feed commit in order.

Short works run in the event loop where their statements wait for nobody, and only what is not short and the
commit in the writer's thread: to hand the interpreter's lock over for each statement takes longer than they do.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import Context
from functools import partial
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

_TURN_SECONDS = 0.002
"""After so long in the event loop others have a turn before the next work."""


Hurrying = Callable[[sa.Connection], AbstractContextManager[None]]
"""Inside, a transaction that would have to wait for another process does not begin, and raises."""


class Queued(Generic[T]):
    """A unit of work, what came of it, and who waits for that."""

    def __init__(
        self, work: Callable[[Transaction], T], future: asyncio.Future[T], *, is_short: bool
    ) -> None:
        self.future = future
        self.is_short = is_short
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
        except StopIteration as error:  # which no future holds
            self._error = RuntimeError(f"a work has stopped an iteration: {error!r}")
            return False
        except BaseException as error:  # noqa: BLE001  it is the caller's, whatever it is
            self._error = error
            return False
        return True

    def fail(self, error: BaseException) -> None:
        """Whatever came of the work, the transaction did not hold."""
        self._error = error

    def resolve(self) -> None:
        """Tell the caller, once the transaction is committed."""
        if self.future.done():  # nobody waits any more
            return
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(self._result)  # type: ignore[arg-type]


Step = Queued[Any] | Feed | None
"""What a group does next: a work, its commit, or to begin again, which may wait."""

Steps = Generator[Step, None, None]


class GroupWriter:
    """The one writer of this process. Everything but the thread's work belongs to one event loop."""

    def __init__(
        self,
        engine: sa.Engine,
        statements: Statements,
        now: Now,
        committing: Callable[[sa.Connection, int], None],
        committed: Callable[[int, Sequence[Change]], None],
        name: str,
        writes: Writes,
        hurrying: Hurrying | None,
    ) -> None:
        """When the feed grew, `committing` is called just before the commit, in its transaction
        and the writer's thread; `committed` right after it in the event loop, with the changes.
        Without `hurrying` statements go over a network, and all of them in the thread."""
        self._engine = engine
        self._statements = statements
        self._now = now
        self._committing = committing
        self._committed = committed
        self._name = name
        self._writes = writes
        self._hurrying = hurrying
        self._waiting: deque[Queued[Any]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database-writer")
        self._is_closed = False

    async def write(self, work: Callable[[Transaction], T], *, is_short: bool = False) -> T:
        if self._is_closed:
            raise DatabaseUnavailable(f"{self._name} is closed", hint="Start it again.")
        queued = Queued(work, asyncio.get_running_loop().create_future(), is_short=is_short)
        began = time.monotonic()
        self._waiting.append(queued)
        if self._writing is None or self._writing.done():
            # What it logs is no part of what the first one to write is about.
            self._writing = asyncio.create_task(
                self._write_all(), name="database-writer", context=Context()
            )
        try:
            result: T = await queued.future
        finally:
            self._writes.seconds.observe(time.monotonic() - began)
        return result

    async def close(self) -> None:
        """Take nothing more, and finish what is queued."""
        self._is_closed = True
        if self._writing is not None:
            await asyncio.wait([self._writing])  # who does not wait for us any more ends nothing
        await asyncio.to_thread(self._thread.shutdown)

    async def _write_all(self) -> None:
        while group := self._next_group():
            self._writes.groups.observe(len(group))
            try:
                await self._settle(group)
            except Exception as error:  # noqa: BLE001  the writer must outlive a bug, callers know
                self._fail(group, error)
            except asyncio.CancelledError:  # the loop ends
                ended = DatabaseUnavailable(f"{self._name} is closed", hint="Start it again.")
                self._fail([*group, *self._waiting], ended)
                raise

    def _next_group(self) -> list[Queued[Any]]:
        """What waits, in order."""
        group: list[Queued[Any]] = []
        while self._waiting and len(group) < LARGEST_GROUP:
            queued = self._waiting.popleft()
            if not queued.future.done():  # nobody waits any more
                group.append(queued)
        return group

    async def _settle(self, group: list[Queued[Any]], tries: int = TRIES) -> None:
        """Run a group and tell all of it, whatever happens."""
        try:
            feed = await self._commit(group)
        except _BrokenOff as broken:
            if broken.is_repeatable and tries > 1:
                await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2 ** (TRIES - tries))
                await self._settle(group, tries - 1)
            elif broken.in_work and len(group) > 1:
                # One of them broke the transaction of all; alone, only that one fails.
                for queued in group:
                    await self._settle([queued])
            else:
                self._fail(group, broken.meaning)
        except Lost as error:
            # At the commit: a lost connection leaves open whether it happened, so nothing is
            # repeated here.
            self._fail(group, meaning(error, self._name))
        else:
            # Whoever has written goes on before those who wait for changes, which are told by then.
            for queued in group:
                queued.resolve()
            if feed.changes:
                self._committed(feed.seq, feed.changes)

    async def _commit(self, group: list[Queued[Any]]) -> Feed:
        """What a group has written to the feed. Raises _BrokenOff, Lost."""
        in_thread = partial(asyncio.get_running_loop().run_in_executor, self._thread)
        if self._hurrying is None:
            return await in_thread(_finish, self._steps(group))
        steps = self._steps(group, self._hurrying)
        try:
            step = next(steps)
        except _BrokenOff:  # the thread may wait
            return await in_thread(_finish, self._steps(group))
        try:
            began = time.monotonic()
            while not isinstance(step, Feed):
                if not _is_short(step):
                    step = await in_thread(_until_short, steps)
                    continue
                if time.monotonic() - began >= _TURN_SECONDS:
                    await asyncio.sleep(0)
                    began = time.monotonic()
                step = next(steps)
            await in_thread(_finish, steps)
        except BaseException:
            with suppress(ValueError):  # the thread is in the middle of it, and ends it
                steps.close()
            raise
        return step

    def _steps(self, group: list[Queued[Any]], hurrying: Hurrying | None = None) -> Steps:
        """Begins, and runs each work that it has yielded; yields the feed, and commits."""
        with _breaking_off(self._name, in_work=False):
            connection = self._engine.connect()
        with connection:
            waits = nullcontext() if hurrying is None else hurrying(connection)
            with _breaking_off(self._name, in_work=False), waits:
                feed = self._begin(connection)
            for queued in group:
                yield queued
                if not self._run(queued, connection, feed):
                    break
            else:
                yield feed
                self._end(connection, feed)
                return
            yield None
            with _breaking_off(self._name, in_work=False):
                connection.rollback()
            if len(group) == 1:
                yield Feed(feed.before)
                return
            with _breaking_off(self._name, in_work=False):
                feed = self._begin(connection)
            for queued in group:
                yield queued
                self._run_apart(queued, connection, feed)
            yield feed
            self._end(connection, feed)

    def _end(self, connection: sa.Connection, feed: Feed) -> None:
        if feed.changes:
            with _breaking_off(self._name, in_work=False):
                self._statements.put(FEED).run(connection, {"id": FEED_ROW, "seq": feed.seq})
                self._committing(connection, feed.seq)
        failpoint("database.before_commit")
        connection.commit()
        failpoint("database.committed")

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
            queued.fail(error)
            queued.resolve()


def _is_short(step: Step) -> bool:
    return isinstance(step, Queued) and step.is_short


def _until_short(steps: Steps) -> Step:
    """Take steps, one at least, up to one that is short or the commit."""
    step = next(steps)
    while not (isinstance(step, Feed) or _is_short(step)):
        step = next(steps)
    return step


def _finish(steps: Steps) -> Feed:
    """Take the steps that are left; the feed, if it is among them."""
    found = Feed(0)
    for step in steps:
        if isinstance(step, Feed):
            found = step
    return found


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
