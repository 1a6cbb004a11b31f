"""Reads what a scheduling decision is made from: all of it once, then what the change feed names."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Generic, NamedTuple, TypeVar

from pileus.core.schemas.base import Row
from pileus.core.schemas.jobs import Job, JobStatus, Lease, Pool
from pileus.jobs.line import Line, Waiter
from pileus.jobs.plan import NO_POLICY, Carry, Policy, PoolSnapshot
from pileus.jobs.policy.ordering import Order
from pileus.jobs.policy.prediction import History
from pileus.jobs.store import (
    INSTALLATION,
    MOST_GLANCED_AT,
    POOL,
    attempts,
    changes_since,
    jobs,
    leases,
    nodes,
    pools,
    quotas,
)
from pileus.jobs.tables import JOBS
from pileus.storage.rows import Rows
from pileus.storage.transaction import Record, Snapshot, Where

M = TypeVar("M", bound=Row)

_PAGE = 1000
"""Waiting jobs read at once when all are."""

_WHOLE = 3000
"""Waiting jobs that are kept as a whole: what may start now changes, and the same ones come again."""


@dataclass(frozen=True)
class LoadedPool(PoolSnapshot):
    """A snapshot with the epoch it was read at."""

    epoch: int = 0
    waiting: int = 0
    """How many jobs wait in all; the queue has those that a decision may be about."""

    retry_seconds: float = math.inf
    """Until the first job that backs off may be tried again."""

    policy: Policy = NO_POLICY
    firsts: Sequence[Sequence[Job]] = ()
    """What was asked for besides; all of it is in the queue as well."""


class First(NamedTuple):
    """The first jobs of the queue, whether or not a decision may be about them."""

    most: int
    project: str | None = None
    """Those of one project."""


def load_pool(snapshot: Snapshot, lease_seconds: float) -> LoadedPool:
    """Everything a decision needs, all of it read anew, where nothing was learnt."""
    return PoolMirror(lease_seconds).load(snapshot)


class PoolMirror:
    """Everything a decision needs, kept from one reading to the next.

    It changes how long `load` takes and not what it returns. Of a waiting job it keeps a few words,
    and the whole of those that the last decisions were about. Several threads may read.
    """

    def __init__(
        self, lease_seconds: float, history: History | None = None, *, by_rank: bool = True
    ) -> None:
        self._lease_seconds = lease_seconds
        self.carry = Carry(history or History())
        """For decisions too: what one was made faster by, the next reading is as well."""

        self._by_rank = by_rank
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._seq: int | None = None
        """How far the change feed was followed; None before anything was read."""

        self._nodes = _Kept(nodes)
        self._leases = _KeptLeases()
        self._quotas = _Kept(quotas)
        self._pools = _Kept(pools)
        self._line = Line()
        self._ran: dict[str, float] = {}
        self._backing_off: dict[str, datetime] = {}
        """Waiting job → when it may be tried again."""

        self._stopping: set[str] = set()
        self._jobs: dict[str, Job] = {}

    def is_close(self, last: int) -> bool:
        """Whether there is little to read up to that change, and nobody who reads just now."""
        is_near = self._seq is not None and last - self._seq <= MOST_GLANCED_AT
        return is_near and not self._lock.locked()

    def load(self, snapshot: Snapshot, *firsts: First) -> LoadedPool:
        """Everything a decision needs, in one consistent state, and the first jobs of the queue."""
        with self._lock:
            last = snapshot.last_change()
            if self._seq is None or last >= self._seq:
                if self._seq is None or not self._follow(snapshot, self._seq):
                    self._clear()
                    self._read_all(snapshot)
                self._seq = last
                return self._loaded(snapshot, firsts)
        # Another thread has read a later state.
        anew = PoolMirror(self._lease_seconds, self.carry.history, by_rank=self._by_rank)
        return anew.load(snapshot, *firsts)

    def _follow(self, snapshot: Snapshot, after: int) -> bool:
        """Read again what has changed; False where the feed does not go back so far."""
        changes = changes_since(snapshot, after)
        if changes is None:
            return False
        changed: dict[str, set[str]] = defaultdict(set)
        for change in changes:
            changed[change.noun].add(change.id)
        for kept in (self._nodes, self._leases, self._quotas, self._pools):
            kept.refresh(snapshot, changed[kept.noun])
        self._refresh_jobs(snapshot, changed[JOBS.noun])
        return True

    def _read_all(self, snapshot: Snapshot) -> None:
        for kept in (self._nodes, self._leases, self._quotas, self._pools):
            kept.read(snapshot)
        after = ""
        while page := snapshot.find(
            JOBS, [*_MATTERS, ("id", ">", after)], order=["id"], limit=_PAGE
        ):
            self._take(snapshot, page)
            after = page[-1]["id"]

    def _refresh_jobs(self, snapshot: Snapshot, changed: Collection[str]) -> None:
        for job in changed:
            self._line.drop(job)
            self._jobs.pop(job, None)
            self._ran.pop(job, None)
            self._backing_off.pop(job, None)
        self._stopping -= set(changed)
        if changed:
            self._take(snapshot, snapshot.find(JOBS, [*_MATTERS, ("id", "in", list(changed))]))

    def _take(self, snapshot: Snapshot, records: Sequence[Record]) -> None:
        queued = [record for record in records if record["status"] == JobStatus.QUEUED.value]
        self._ran |= _ran(snapshot, [record["id"] for record in queued if record["attempts"]])
        for record in queued:
            self._line.put(Waiter.of(record, self._ran.get(record["id"], 0.0)))
            if record["not_before"] is not None:
                self._backing_off[record["id"]] = record["not_before"]
        for record in records:
            if record["status"] != JobStatus.QUEUED.value and record["stop_requested"] is not None:
                self._stopping.add(record["id"])

    def _loaded(self, snapshot: Snapshot, asked: Sequence[First]) -> LoadedPool:
        pool = self._pools.values.get(POOL) or Pool(
            id=POOL, project=INSTALLATION, created_at=snapshot.now, rev=1
        )
        known = sorted(self._nodes.values.values(), key=lambda node: node.name)
        since = snapshot.now - timedelta(seconds=self._lease_seconds)
        answering = [node for node in known if node.seen_at >= since]
        heard = {node.id for node in answering}
        held = dict(self._leases.on)
        limits = sorted(self._quotas.values.values(), key=lambda quota: quota.project)
        with self.carry.lock:
            self.carry.spaces.update(answering, held)
            known_now = (self.carry.ranks, self.carry.history, held, snapshot.now, self._ran)
            order = Order(*known_now, by_rank=self._by_rank)
            chosen = () if pool.is_draining else self._chosen(snapshot, pool, order)
            firsts = [self._line.first(order, *first) for first in asked]
        until_retry = ((at - snapshot.now).total_seconds() for at in self._backing_off.values())
        read = self._read(snapshot, dict.fromkeys([*chosen, *chain(*firsts)]), keep=chosen)
        return LoadedPool(
            now=snapshot.now,
            nodes=answering,
            held=held,
            queue=list(read.values()),
            silent=[node for node in known if node.id not in heard],
            is_draining=pool.is_draining,
            stopping=frozenset(self._stopping),
            promises=pool.promises,
            ran=dict(self._ran),
            epoch=pool.rev,
            waiting=len(self._line),
            retry_seconds=min((left for left in until_retry if left > 0), default=math.inf),
            policy=Policy(tuple(limits), self._by_rank),
            firsts=[[read[job] for job in first] for first in firsts],
        )

    def _chosen(self, snapshot: Snapshot, pool: Pool, order: Order) -> Sequence[str]:
        return self._line.chosen(
            snapshot.now,
            self.carry.spaces.now.may_hold(self._line.asked),
            self.carry.spaces.idle.may_hold(self._line.asked),
            {quota.project for quota in self._quotas.values.values()},
            pool.promises,
            order,
        )

    def _read(
        self, snapshot: Snapshot, wanted: Iterable[str], keep: Sequence[str]
    ) -> dict[str, Job]:
        """The whole of these jobs; those of `keep` are most likely wanted again."""
        unread = [job for job in wanted if job not in self._jobs]
        anew = {job.id: job for job in jobs.find(snapshot, [("id", "in", unread)])}
        found = {job: anew.get(job) or self._jobs[job] for job in wanted}
        for job in keep:  # the last one wanted is the last to be forgotten
            self._jobs.pop(job, None)
            self._jobs[job] = found[job]
        for job in list(islice(self._jobs, max(len(self._jobs) - _WHOLE, 0))):
            del self._jobs[job]
        return found


_MATTERS: Where = [("status", "in", [JobStatus.QUEUED.value, JobStatus.RUNNING.value])]
"""Jobs that wait, and those that may have been asked to stop."""


def _ran(snapshot: Snapshot, waiting: Sequence[str]) -> dict[str, float]:
    """For how many seconds each has run, all earlier attempts together."""
    tries: dict[str, dict[int, float]] = defaultdict(dict)
    for attempt in attempts.find(snapshot, [("job", "in", waiting)]) if waiting else ():
        if attempt.ended_at is not None:
            seconds = (attempt.ended_at - (attempt.started_at or attempt.ended_at)).total_seconds()
            of_job = tries[attempt.job]  # members of a gang ran side by side
            of_job[attempt.number] = max(seconds, of_job.get(attempt.number, 0.0))
    found = {job: sum(of_job.values()) for job, of_job in tries.items()}
    return {job: seconds for job, seconds in found.items() if seconds}


class _Kept(Generic[M]):
    """The rows of a table."""

    def __init__(self, rows: Rows[M]) -> None:
        self.noun = rows.table.noun
        self._rows = rows
        self.values: dict[str, M] = {}

    def read(self, snapshot: Snapshot) -> None:
        self.values = {row.id: row for row in self._find(snapshot)}

    def _find(self, snapshot: Snapshot, where: Where = ()) -> list[M]:
        return self._rows.find(snapshot, where)

    def refresh(self, snapshot: Snapshot, changed: Collection[str]) -> None:
        """Read again those of these ids."""
        if not changed:
            return
        # Read first: where that fails, the next reading finds what it compares with.
        found = self._find(snapshot, [("id", "in", list(changed))])
        for one in changed:
            self.values.pop(one, None)
        self.values.update({row.id: row for row in found})


class _KeptLeases(_Kept[Lease]):
    """Unreleased leases, by their node as well."""

    def __init__(self) -> None:
        super().__init__(leases)
        self.on: dict[str, tuple[Lease, ...]] = {}

    def _find(self, snapshot: Snapshot, where: Where = ()) -> list[Lease]:
        # Of those of some ids the query does not tell: SQLite would go through all that are unreleased.
        found = leases.find(snapshot, where or [("released_at", "=", None)])
        return [lease for lease in found if lease.released_at is None]

    def read(self, snapshot: Snapshot) -> None:
        super().read(snapshot)
        held: dict[str, list[Lease]] = defaultdict(list)
        for lease in self.values.values():
            held[lease.node].append(lease)
        self.on = {node: tuple(found) for node, found in held.items()}

    def refresh(self, snapshot: Snapshot, changed: Collection[str]) -> None:
        before = [self.values[one] for one in changed if one in self.values]
        super().refresh(snapshot, changed)
        after = [self.values[one] for one in changed if one in self.values]
        others: dict[str, dict[str, Lease]] = {}
        for lease in (*before, *after):
            if lease.node not in others:
                others[lease.node] = {one.id: one for one in self.on.get(lease.node, ())}
        for lease in before:
            del others[lease.node][lease.id]
        for lease in after:
            others[lease.node][lease.id] = lease
        for node, held in others.items():
            self.on.pop(node, None)
            if held:
                self.on[node] = tuple(held.values())
