"""What holds after every step, whatever happened. Said anew here, and not with the engine's words."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from pileus.core.schemas.jobs import Attempt, AttemptStatus, Job, JobStatus, Lease, Node, Pool
from pileus.core.schemas.metering import LedgerEntry, Price
from pileus.core.schemas.quota import Quota
from pileus.jobs.store import attempts, jobs, leases, nodes, pools, quotas
from pileus.metering.store import Carry, carries, ledger, prices
from pileus.storage.transaction import Snapshot
from tests.unit.jobs.simulation.fence_log import FenceLog
from tests.unit.jobs.simulation.server import SETTINGS


class Rows:
    """All rows of one state."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.now = snapshot.now
        self.jobs: dict[str, Job] = {row.id: row for row in jobs.find(snapshot)}
        self.attempts: dict[str, Attempt] = {row.id: row for row in attempts.find(snapshot)}
        self.leases: dict[str, Lease] = {row.attempt: row for row in leases.find(snapshot)}
        self.nodes: list[Node] = nodes.find(snapshot)
        self.pools: list[Pool] = pools.find(snapshot)
        self.quotas: list[Quota] = quotas.find(snapshot)
        self.entries: list[LedgerEntry] = ledger.find(snapshot)
        self.carries: list[Carry] = carries.find(snapshot)
        self.prices: list[Price] = prices.find(snapshot)

    @property
    def is_draining(self) -> bool:
        return any(pool.is_draining for pool in self.pools)

    @property
    def live(self) -> set[str]:
        return {a.id for a in self.attempts.values() if not a.status.is_final}


class Invariants:
    """Compares each state with the one before it."""

    def __init__(self, log: FenceLog) -> None:
        self._log = log
        self._failed_at: dict[str, datetime] = {}
        self._before: Rows | None = None

    def check(self, rows: Rows) -> None:
        _needs_hold(rows)
        _one_try(rows)
        _leases_match(rows)
        _capacity(rows)
        _quotas(rows)
        _ledger_equals_leases(rows)
        self._processes_hold_leases(rows)
        if self._before is not None:
            _nothing_lost(self._before, rows)
            self._granted_rightly(self._before, rows)
        self._before = rows

    def _processes_hold_leases(self, rows: Rows) -> None:
        self._log.check()
        for span in self._log.spans:
            lease = rows.leases[span.attempt]
            assert (lease.job, lease.token) == (span.job, span.token), "ran without a lease"
            is_over = span.attempt not in rows.live
            assert span.ceased is not None or not is_over, f"given up while it ran: {span}"

    def _granted_rightly(self, before: Rows, rows: Rows) -> None:
        for job in rows.jobs.values():
            was = before.jobs.get(job.id)
            assert job.failures <= job.spec.max_attempts
            if was is not None and job.failures > was.failures:
                assert job.failures == was.failures + 1
                self._failed_at[job.id] = rows.now
        for id_ in rows.attempts.keys() - before.attempts.keys():
            attempt = rows.attempts[id_]
            assert not (before.is_draining and rows.is_draining), "granted while draining"
            was = before.jobs[attempt.job]
            assert was.status is JobStatus.QUEUED, f"granted to a job that was {was.status}"
            assert attempt.number == was.attempts + 1
            # Only the attempt after a failure waits: one after a preemption does not.
            failed_at = self._failed_at.pop(attempt.job, None)
            if failed_at is not None:
                wait = SETTINGS.retry_seconds * 2 ** (was.failures - 1)
                assert attempt.created_at - failed_at >= timedelta(seconds=wait), "no back-off"


def _needs_hold(rows: Rows) -> None:
    for job in rows.jobs.values():
        needs = [rows.jobs[need] for need in job.spec.needs]
        is_met = all(need.status.is_final for need in needs)
        if job.status is JobStatus.WAITING:
            assert not is_met, f"nothing will wake {job.id}"
        elif job.status is not JobStatus.CANCELLED:
            assert is_met, f"{job.id} is {job.status} before its needs have ended"
            ends = {need.status for need in needs}
            assert job.spec.needs_on == "any" or ends <= {JobStatus.SUCCEEDED}


def _one_try(rows: Rows) -> None:
    tries: dict[tuple[str, int], list[Attempt]] = defaultdict(list)
    for attempt in rows.attempts.values():
        tries[attempt.job, attempt.number].append(attempt)
    running = {job.id for job in rows.jobs.values() if job.status is JobStatus.RUNNING}
    for (id_, number), members in tries.items():
        job = rows.jobs[id_]
        assert len(members) == job.spec.gang, f"try {number} of {id_} has {len(members)} members"
        is_live = any(member.id in rows.live for member in members)
        assert is_live == (id_ in running and number == job.attempts), "a job runs without its try"
        if number < job.attempts:
            continue
        is_well = all(x.status is AttemptStatus.SUCCEEDED for x in members if x.status.is_final)
        assert is_well or not is_live or job.stop_requested, "the rest of a gang goes on"
        assert is_well or job.status is not JobStatus.SUCCEEDED, "a gang succeeded without a member"
    assert running <= {id_ for id_, _ in tries}, "a running job has no attempt"


def _leases_match(rows: Rows) -> None:
    assert rows.leases.keys() == rows.attempts.keys()
    held = {id_ for id_, lease in rows.leases.items() if lease.released_at is None}
    assert held == rows.live, "a lease outlives its attempt, or the other way round"


def _capacity(rows: Rows) -> None:
    for node in rows.nodes:
        held = [x for x in rows.leases.values() if x.node == node.id and x.released_at is None]
        assert sum(lease.resources.cpu_milli for lease in held) <= node.capacity.cpu_milli
        assert sum(lease.resources.memory_mib for lease in held) <= node.capacity.memory_mib


def _quotas(rows: Rows) -> None:
    """Quotas are set once and never changed here, so nobody may ever hold more."""
    held = Counter[str]()
    for lease in rows.leases.values():
        if lease.released_at is None:
            held[lease.project] += lease.resources.cpu_milli
    cohort = 0
    for quota in rows.quotas:
        limit = quota.limits["cpu_milli"]
        cohort += limit.nominal
        assert limit.borrowing is not None
        most = limit.nominal + limit.borrowing
        assert held[quota.project] <= most, f"{quota.project} holds more than its quota"
    used = sum(held[quota.project] for quota in rows.quotas)
    assert used <= cohort or not rows.quotas, "the cohort holds more than its quotas"


def _ledger_equals_leases(rows: Rows) -> None:
    used: dict[tuple[str, str], int] = defaultdict(int)
    owed: dict[str, int] = defaultdict(int)
    scale = {price.id: (price.micro, 10**price.exponent) for price in rows.prices}
    for lease in rows.leases.values():
        held_ms = (lease.metered_until - lease.created_at) // timedelta(milliseconds=1)
        if lease.released_at is not None:
            ended_at = rows.attempts[lease.attempt].ended_at
            assert held_ms == (ended_at - lease.created_at) // timedelta(milliseconds=1)
        for resource, amount in (
            ("cpu", held_ms * lease.resources.cpu_milli // 1000),
            ("memory", held_ms * lease.resources.memory_mib // 1000),
        ):
            used[lease.id, resource] += amount
            owed[lease.price_ids[resource]] += amount * scale[lease.price_ids[resource]][0]
    posted: dict[tuple[str, str], int] = defaultdict(int)
    paid: dict[str, int] = defaultdict(int)
    for entry in rows.entries:
        posted[entry.source, entry.resource] += entry.quantity
        paid[entry.price] += entry.amount_micro * scale[entry.price][1]
    for carry in rows.carries:
        paid[carry.price] += carry.remainder
    assert _positive(used) == _positive(posted), "the ledger holds other quantities than the leases"
    assert _positive(owed) == _positive(paid), "the ledger holds another sum than the leases"


def _positive(counts):
    return {key: count for key, count in counts.items() if count}


def _nothing_lost(before: Rows, rows: Rows) -> None:
    assert before.jobs.keys() <= rows.jobs.keys(), "a job was lost"
    assert before.attempts.keys() <= rows.attempts.keys(), "an attempt was lost"
    for id_, job in before.jobs.items():
        if job.status.is_final:
            assert rows.jobs[id_] == job, f"{job} changed after its end: {rows.jobs[id_]}"
    for id_, attempt in before.attempts.items():
        if attempt.status.is_final:
            assert rows.attempts[id_] == attempt, f"{attempt} changed after its end"
    for id_, lease in before.leases.items():
        assert rows.leases[id_].token == lease.token
        assert rows.leases[id_].metered_until >= lease.metered_until
        if lease.released_at is not None:
            assert rows.leases[id_] == lease, "a lease changed after its release"
