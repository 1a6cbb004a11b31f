"""Reads what a scheduling decision is made from: all of it once, then what the change feed names."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from pileus.core.schemas.base import Row
from pileus.core.schemas.jobs import Job, JobStatus, Lease, Pool
from pileus.jobs.line import Line, Waiter
from pileus.jobs.plan import NO_POLICY, Policy, PoolSnapshot
from pileus.jobs.policy.spaces import Spaces
from pileus.jobs.store import INSTALLATION, POOL, jobs, leases, nodes, pools, quotas
from pileus.jobs.tables import JOBS
from pileus.storage.rows import Rows
from pileus.storage.transaction import Record, Snapshot, Where

M = TypeVar("M", bound=Row)

_PAGE = 1000
"""Waiting jobs read at once when all are."""


@dataclass(frozen=True)
class LoadedPool(PoolSnapshot):
    """A snapshot with the epoch it was read at."""

    epoch: int = 0
    policy: Policy = NO_POLICY


def load_pool(snapshot: Snapshot, lease_seconds: float) -> LoadedPool:
    """Everything a decision needs, all of it read anew."""
    return PoolMirror(lease_seconds).load(snapshot)


class PoolMirror:
    """Everything a decision needs, kept from one reading to the next.

    It changes how long `load` takes and not what it returns. Of a waiting job it keeps a few words,
    and the whole of those that the last decision was about. Several threads may read.
    """

    def __init__(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
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
        self._stopping: set[str] = set()
        self._jobs: dict[str, Job] = {}
        self._spaces = Spaces()

    def load(self, snapshot: Snapshot) -> LoadedPool:
        """Everything a decision needs, in one consistent state."""
        with self._lock:
            last = snapshot.last_change()
            if self._seq is not None and last < self._seq:  # another thread has read a later state
                return load_pool(snapshot, self._lease_seconds)
            if self._seq is None or not self._follow(snapshot, self._seq):
                self._clear()
                self._read_all(snapshot)
            self._seq = last
            return self._loaded(snapshot)

    def _follow(self, snapshot: Snapshot, after: int) -> bool:
        """Read again what has changed; False where the feed does not go back so far."""
        changed: dict[str, set[str]] = defaultdict(set)
        while changes := snapshot.changes(after):
            if changes[0].seq != after + 1:
                return False
            for change in changes:
                changed[change.noun].add(change.id)
            after = changes[-1].seq
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
            self._take(page)
            after = page[-1]["id"]

    def _refresh_jobs(self, snapshot: Snapshot, changed: Collection[str]) -> None:
        for job in changed:
            self._line.drop(job)
            self._jobs.pop(job, None)
        self._stopping -= set(changed)
        if changed:
            self._take(snapshot.find(JOBS, [*_MATTERS, ("id", "in", list(changed))]))

    def _take(self, records: Iterable[Record]) -> None:
        for record in records:
            if record["status"] == JobStatus.QUEUED.value:
                self._line.put(Waiter.of(record))
            elif record["stop_requested"] is not None:
                self._stopping.add(record["id"])

    def _loaded(self, snapshot: Snapshot) -> LoadedPool:
        pool = self._pools.values.get(POOL) or Pool(
            id=POOL, project=INSTALLATION, created_at=snapshot.now, rev=1
        )
        known = sorted(self._nodes.values.values(), key=lambda node: node.name)
        since = snapshot.now - timedelta(seconds=self._lease_seconds)
        answering = [node for node in known if node.seen_at >= since]
        heard = {node.id for node in answering}
        held = dict(self._leases.on)
        self._spaces.update(answering, held)
        limits = sorted(self._quotas.values.values(), key=lambda quota: quota.project)
        return LoadedPool(
            now=snapshot.now,
            nodes=answering,
            held=held,
            queue=() if pool.is_draining else self._queue(snapshot, pool),
            silent=[node for node in known if node.id not in heard],
            is_draining=pool.is_draining,
            stopping=frozenset(self._stopping),
            promises=pool.promises,
            epoch=pool.rev,
            policy=Policy(tuple(limits)),
        )

    def _queue(self, snapshot: Snapshot, pool: Pool) -> list[Job]:
        chosen = self._line.chosen(
            snapshot.now,
            self._spaces.now.may_hold(self._line.asked),
            self._spaces.idle.may_hold(self._line.asked),
            {quota.project for quota in self._quotas.values.values()},
            pool.promises,
        )
        unread = [job for job in chosen if job not in self._jobs]
        read = {job.id: job for job in jobs.find(snapshot, [("id", "in", unread)])}
        self._jobs = {job: self._jobs.get(job) or read[job] for job in chosen}
        return list(self._jobs.values())


_MATTERS: Where = [("status", "in", [JobStatus.QUEUED.value, JobStatus.RUNNING.value])]
"""Jobs that wait, and those that may have been asked to stop."""


class _Kept(Generic[M]):
    """The rows of a table that meet a condition."""

    def __init__(self, rows: Rows[M], where: Where = ()) -> None:
        self.noun = rows.table.noun
        self._rows = rows
        self._where = where
        self.values: dict[str, M] = {}

    def read(self, snapshot: Snapshot) -> None:
        self.values = {row.id: row for row in self._rows.find(snapshot, self._where)}

    def refresh(self, snapshot: Snapshot, changed: Collection[str]) -> None:
        """Read again those of these ids."""
        if not changed:
            return
        for one in changed:
            self.values.pop(one, None)
        found = self._rows.find(snapshot, [*self._where, ("id", "in", list(changed))])
        self.values.update({row.id: row for row in found})


class _KeptLeases(_Kept[Lease]):
    """Unreleased leases, by their node as well."""

    def __init__(self) -> None:
        super().__init__(leases, [("released_at", "=", None)])
        self.on: dict[str, tuple[Lease, ...]] = {}

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
