"""
What attempts use: the last word of each node, and what people see of it.

A node's samples are one row that its next report replaces, so that a thousand attempts cost as many
writes as there are nodes. What an attempt used in all is part of how it ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from pileus.core.schemas.jobs import Attempt, AttemptStatus, Job, JobStatus, Lease, Node
from pileus.core.schemas.metering import Price
from pileus.core.schemas.resources import MILLI
from pileus.core.schemas.usage import (
    AttemptUsage,
    JobUsage,
    KeptSample,
    Load,
    NodeLoad,
    NodeUsage,
    Sample,
    Seen,
    Top,
    UsageReport,
    Used,
)
from pileus.jobs.errors import NodeUnknown
from pileus.jobs.store import (
    LIVE,
    attempts,
    attempts_of,
    is_answering,
    job_of,
    jobs,
    leases,
    node_usage,
    nodes,
)
from pileus.metering.leases import cost_until
from pileus.metering.store import prices
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot, Transaction

STALE_SECONDS = 15.0
"""A sample older than this tells of then: several reports are missing."""

USAGE = "usage"
"""Key of an attempt's `exit` that has what was sampled of it."""


@dataclass(frozen=True)
class _LastWord:
    """What a node said last: its samples by attempt."""

    reported_at: datetime | None
    samples: Mapping[str, KeptSample]
    devices: Mapping[str, int]

    def is_stale(self, now: datetime) -> bool:
        return self.reported_at is None or _is_stale(self.reported_at, now)


_SILENCE = _LastWord(None, {}, {})


class UsageService:
    """Takes what nodes say; answers what people ask."""

    def __init__(self, database: Database, currency: str, lease_seconds: float) -> None:
        self._database = database
        self._currency = currency
        self._lease_seconds = lease_seconds

    async def report(self, node_id: str, report: UsageReport) -> None:
        """What attempts of a node use from now on. Raises NodeUnknown."""

        def work(transaction: Transaction) -> None:
            node = nodes.get(transaction, id=node_id)
            if node is None or node.boot_id != report.boot_id:
                raise NodeUnknown(
                    f"Node {node_id!r} is not registered with boot id {report.boot_id!r}",
                    hint="The worker registers again by itself.",
                )
            samples = tuple(_kept(sample, transaction.now) for sample in report.samples)
            said = NodeUsage(
                node=node_id,
                reported_at=transaction.now,
                samples=samples,
                devices=report.devices,
            )
            node_usage.put(transaction, said)

        await self._database.write(work)

    async def top(self, project: str, *, most: int) -> Top:
        """At most so many attempts of a project that have not ended, and all nodes."""

        def work(snapshot: Snapshot) -> Top:
            running = jobs.find(
                snapshot,
                [("project", "=", project), ("status", "=", JobStatus.RUNNING.value)],
                order=["id"],
                limit=most + 1,
            )
            shown = running[:most]
            ids = [job.id for job in shown]
            live = attempts.find(
                snapshot, [("job", "in", ids), ("status", "in", LIVE)], order=["id"]
            )
            return Top(
                at=snapshot.now,
                items=self._usages(snapshot, shown, live),
                has_more=len(running) > most,
                nodes=self._loads(snapshot),
                currency=self._currency,
            )

        return await self._database.read(work)

    async def of_job(self, project: str, job_id: str) -> JobUsage:
        """Every attempt of a job. Raises JobNotFound."""

        def work(snapshot: Snapshot) -> JobUsage:
            job = job_of(snapshot, project, job_id)
            items = self._usages(snapshot, [job], attempts_of(snapshot, job_id))
            return JobUsage(items=items, currency=self._currency)

        return await self._database.read(work)

    def _usages(
        self, snapshot: Snapshot, of: Iterable[Job], tries: Sequence[Attempt]
    ) -> tuple[AttemptUsage, ...]:
        ids = [attempt.id for attempt in tries]
        held = {lease.attempt: lease for lease in leases.find(snapshot, [("attempt", "in", ids)])}
        price_ids = {id_ for lease in held.values() for id_ in lease.price_ids.values()}
        book = {p.id: p for p in prices.find(snapshot, [("id", "in", sorted(price_ids))])}
        where = sorted({attempt.node for attempt in tries})
        names = {node.id: node.name for node in nodes.find(snapshot, [("id", "in", where)])}
        said = _last_words(node_usage.find(snapshot, [("node", "in", where)]))
        jobs_by_id = {job.id: job for job in of}
        return tuple(
            _usage(
                jobs_by_id[attempt.job],
                attempt,
                held[attempt.id],
                names.get(attempt.node, attempt.node),
                _used_by(attempt, held[attempt.id], said.get(attempt.node, _SILENCE), snapshot.now),
                _cost(held[attempt.id], snapshot.now, book),
            )
            for attempt in tries
        )

    def _loads(self, snapshot: Snapshot) -> tuple[NodeLoad, ...]:
        held = leases.find(snapshot, [("released_at", "=", None)], order=["id"])
        said = _last_words(node_usage.find(snapshot))
        return tuple(
            _load(
                node,
                [lease for lease in held if lease.node == node.id],
                said.get(node.id, _SILENCE),
                snapshot.now,
                is_answering=is_answering(node, snapshot.now, self._lease_seconds),
            )
            for node in nodes.find(snapshot, order=["name"])
        )


def last_seen(snapshot: Snapshot, node: str, attempt: str) -> dict[str, Any]:
    """What an attempt that is lost had used when it was last seen, as `exit` keeps it."""
    said = _last_words(node_usage.find(snapshot, [("node", "=", node)]))
    found = said[node].samples.get(attempt) if said else None
    return {USAGE: Seen.model_validate(found.model_dump()).model_dump()} if found else {}


def _used_by(attempt: Attempt, lease: Lease, said: _LastWord, now: datetime) -> Used | None:
    if attempt.status.is_final:
        return used_at_end(attempt.exit or {})
    sample = said.samples.get(attempt.id)
    if sample is None:
        return None
    return Used(
        is_stale=_is_stale(sample.sampled_at, now),
        gpu_milli=_whole_devices(lease, said.devices),
        **sample.model_dump(exclude={"attempt"}),
    )


def used_at_end(exit_: Mapping[str, Any]) -> Used | None:
    """What an end tells of what was used; None when it tells nothing."""
    sampled = exit_.get(USAGE)
    seen: Mapping[str, Any] = sampled if isinstance(sampled, Mapping) else {}
    peaks = [seen.get("memory_peak_mib"), exit_.get("peak_rss_mib")]
    if exit_.get("reason") == "out_of_memory":
        # Exact at the limit only: below it, this is what was quick to find out.
        peaks.append(exit_.get("peak_memory_mib"))
    used = Used(
        sampled_at=None,
        cpu_ms=_most([seen.get("cpu_ms"), _times(exit_.get("cpu_seconds"), 1000)]),
        memory_peak_mib=_most(peaks) or None,
        disk_mib=_most([seen.get("disk_mib"), exit_.get("peak_disk_mib")]),
    )
    # An attempt that never ran has zeros in its exit, which say nothing.
    return used if used.cpu_ms or used.memory_peak_mib or used.disk_mib else None


def _load(
    node: Node, held: Sequence[Lease], said: _LastWord, now: datetime, *, is_answering: bool
) -> NodeLoad:
    known = [said.samples.get(lease.attempt) for lease in held]
    fresh = [one for one in known if one is not None and not _is_stale(one.sampled_at, now)]
    is_known = bool(fresh) or (is_answering and not held)
    asked = [lease.resources for lease in held]
    return NodeLoad(
        name=node.name,
        is_answering=is_answering,
        attempts=len(held),
        cpu_milli=Load(
            used=sum(one.cpu_milli for one in fresh) if is_known else None,
            asked=sum(one.cpu_milli for one in asked),
            total=node.capacity.cpu_milli,
        ),
        memory_mib=Load(
            used=sum(one.memory_mib for one in fresh) if is_known else None,
            asked=sum(one.memory_mib for one in asked),
            total=node.capacity.memory_mib,
        ),
        gpu_milli=Load(
            used=_devices_in_use(node, said, now),
            asked=sum(one.gpu_milli for one in asked),
            total=len(node.capacity.devices) * MILLI,
        ),
    )


def _devices_in_use(node: Node, said: _LastWord, now: datetime) -> int | None:
    """Of all devices, whoever uses them; None if that of any is not known."""
    names = {device.id for device in node.capacity.devices}
    if not names <= said.devices.keys() or said.is_stale(now):
        return None
    return sum(said.devices[name] for name in names)


def _whole_devices(lease: Lease, devices: Mapping[str, int]) -> int | None:
    if lease.resources.gpu < 1 or not set(lease.devices) <= devices.keys():
        return None
    return sum(devices[name] for name in lease.devices)


def _usage(
    job: Job, attempt: Attempt, lease: Lease, node: str, used: Used | None, cost_micro: int
) -> AttemptUsage:
    return AttemptUsage(
        attempt=attempt.id,
        number=attempt.number,
        rank=attempt.rank,
        job=job.id,
        name=job.name,
        kind=job.kind,
        node=node,
        state=_state(job, attempt),
        granted_at=lease.created_at,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        asked=lease.resources,
        used=used,
        cost_micro=cost_micro,
    )


def _state(job: Job, attempt: Attempt) -> str:
    if attempt.status.is_final or attempt.status is AttemptStatus.SUSPECT:
        return attempt.status
    if job.stop_requested is not None:
        return "stopping"
    return "starting" if attempt.status is AttemptStatus.GRANTED else "running"


def _cost(lease: Lease, now: datetime, book: Mapping[str, Price]) -> int:
    until = lease.metered_until if lease.released_at else min(now, lease.expires_at)
    return cost_until(lease, until, book)


def _kept(sample: Sample, now: datetime) -> KeptSample:
    sampled_at = now - timedelta(milliseconds=sample.age_ms)
    return KeptSample(sampled_at=sampled_at, **sample.model_dump(exclude={"age_ms"}))


def _last_words(said: Iterable[NodeUsage]) -> dict[str, _LastWord]:
    return {
        one.node: _LastWord(
            one.reported_at, {sample.attempt: sample for sample in one.samples}, one.devices
        )
        for one in said
    }


def _is_stale(moment: datetime, now: datetime) -> bool:
    return now - moment > timedelta(seconds=STALE_SECONDS)


def _most(values: Iterable[object]) -> int | None:
    """The largest of those that are amounts: an attempt's own code may have written its exit."""
    found = [round(value) for value in values if _is_amount(value)]
    return max(found, default=None)


def _times(value: object, factor: int) -> object:
    return value * factor if _is_amount(value) else None


def _is_amount(value: object) -> TypeGuard[int | float]:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value < 2**53
    )
