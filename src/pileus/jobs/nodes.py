"""The conversation with nodes: they report what runs, and learn all that they should run.

The orders are declarative, so a lost or repeated message does no harm.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import NamedTuple, TypeVar

from pileus.core.clock import Clock
from pileus.core.ids import NewId
from pileus.core.schemas.jobs import (
    Attempt,
    AttemptReport,
    AttemptStatus,
    DesiredAttempt,
    Lease,
    Node,
    NodeOrders,
    NodeReport,
    Registration,
)
from pileus.jobs.ends import Ends, Reported
from pileus.jobs.errors import NodeUnknown
from pileus.jobs.held_mirror import HeldMirror
from pileus.jobs.orders import Specs
from pileus.jobs.settings import JobsSettings
from pileus.jobs.store import (
    INSTALLATION,
    POOL,
    Held,
    attempts,
    bump_epoch,
    is_answering,
    leased_of,
    leased_on,
    leases,
    nodes,
    pools,
)
from pileus.jobs.tables import ATTEMPTS
from pileus.jobs.waking import wait_for_news
from pileus.security.tokens import attempt_token
from pileus.storage.database import Database, writing
from pileus.storage.transaction import Change, Snapshot, Transaction

log = logging.getLogger(__name__)

T = TypeVar("T")

_FRESH = 5 / 6
"""A lease with more than this part of its time left is not renewed yet."""


@dataclass(frozen=True)
class Quiet:
    """Nothing to tell a node: how far the feed was read, and whose changes would matter to it."""

    seq: int
    node: str
    jobs: frozenset[str]

    def is_news(self, change: Change) -> bool:
        """Whether the node's orders may be others after this change. That the pool is drained it
        learns by the jobs that are to stop, or with its next question."""
        is_here = change.noun == ATTEMPTS.noun and change.about in {None, self.node}
        return is_here or change.id in self.jobs


class Renewal(NamedTuple):
    """What a report changes in the database, and the leases of what its node has lost."""

    wakes: bool
    """Whether the scheduler has to look at the pool again."""

    nodes: list[Node]
    attempts: list[Attempt]
    leases: list[Lease]
    lost: list[Lease]

    @property
    def is_nothing(self) -> bool:
        return not any(self)

    @property
    def about(self) -> set[str]:
        """Attempts that it changes, or has lost."""
        return {one.id for one in self.attempts} | {one.attempt for one in self.leases + self.lost}


@dataclass(frozen=True)
class Heard:
    """What a worker says of itself and its machine with each report."""

    version: str | None
    clock_skew_seconds: float | None
    """How far its clock is ahead of the server's, the way of the report left out."""


class NodeService:
    """The server's end of the workers' link."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        new_id: NewId,
        ends: Ends,
        token_key: bytes,
        settings: JobsSettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._ends = ends
        self._token_key = token_key
        self._mirror = HeldMirror()
        self.settings = settings
        self._ending: dict[tuple[str, str], asyncio.Task[None]] = {}
        """Attempt and lease token → the end that is being recorded: once, however often it is said."""

        self._losing: set[asyncio.Task[None]] = set()
        """What is being recorded as lost."""

        self._taken: dict[str, set[tuple[str, str]]] = {}
        """Node → the ends that it said and that are recorded, until it does not say them any more."""

        self.heard: dict[str, Heard] = {}
        """Node → what its last report said of it; not kept, for the next one says it again."""

    async def register(self, registration: Registration) -> Node:
        """A worker has started on a node. What it does not hold any more is lost."""

        def work(transaction: Transaction) -> tuple[Node, list[Lease]]:
            known = nodes.get(transaction, name=registration.name)
            bump_epoch(transaction)
            if known is None:
                node = Node(
                    id=self._new_id("nod"),
                    project=INSTALLATION,
                    created_at=transaction.now,
                    name=registration.name,
                    boot_id=registration.boot_id,
                    capacity=registration.capacity,
                    seen_at=transaction.now,
                    address=registration.address,
                )
                return nodes.insert(transaction, node), []
            rebooted = known.boot_id != registration.boot_id
            # After a boot nothing of before runs, whatever is left of it on disk.
            # What was granted and never started is simply ordered again.
            lost = [
                lease
                for attempt, lease in leased_on(transaction, known.id)
                if attempt.started_at is not None
                and (rebooted or attempt.id not in registration.holding)
                and (rebooted or not _is_older(registration.sent_ms, attempt))
            ]
            update = {
                "boot_id": registration.boot_id,
                "capacity": registration.capacity,
                "seen_at": transaction.now,
                "address": registration.address,
            }
            return nodes.swap(transaction, known.model_copy(update=update)), lost

        node, lost = await self._database.write(work)
        for lease in lost:
            await self._ends.lost(lease, "node_lost")
        return node

    async def sync(self, node_id: str, report: NodeReport, wait_seconds: float) -> NodeOrders:
        """Take a report; answer with orders, at once when they are news, else after `wait_seconds`.

        Ends are recorded beside: news does not wait for them, and an answer without news does.
        Raises NodeUnknown.
        """
        look = partial(self._look, node_id=node_id, report=report)

        def first(snapshot: Snapshot) -> tuple[list[Held], Renewal, NodeOrders | Quiet]:
            held = self._mirror.on(snapshot, node_id)
            leased = [(one.attempt, one.lease) for one in held]
            renewal = self._renewal(snapshot, node_id, report, leased)
            return held, renewal, look(snapshot, held, is_due=False)

        def again(snapshot: Snapshot, *, is_due: bool) -> NodeOrders | Quiet:
            return look(snapshot, self._mirror.on(snapshot, node_id), is_due=is_due)

        # Renewing comes first: a report that waits behind the ends of large attempts would be
        # believed when the node has moved on. Most reports renew nothing, and write nothing.
        held, renewal, found = await self._read(first)
        is_known = renewal.is_nothing
        if not is_known:
            write = writing(self._database, len(renewal.about))
            lost = await write(
                lambda transaction: self._renew(transaction, node_id, report, renewal.about)
            )
            if lost:
                # Goes on when the node hangs up, as ends do: half of it is not made up for later.
                task = asyncio.create_task(self._lose(lost))
                self._losing.add(task)
                task.add_done_callback(self._losing.discard)
                await asyncio.shield(task)
        self.heard[node_id] = self._heard(report)
        ends = self._taking_all(node_id, report, held)
        deadline = self._clock.monotonic() + wait_seconds
        while True:
            is_due = self._clock.monotonic() >= deadline
            if is_due and ends:
                await asyncio.wait(ends)
            if is_due or not is_known:
                found = await self._read(partial(again, is_due=is_due))
            if isinstance(found, NodeOrders):
                return found
            left = deadline - self._clock.monotonic()
            await wait_for_news(self._database, self._clock, found.seq, found.is_news, left)
            is_known = False

    async def _read(self, work: Callable[[Snapshot], T]) -> T:
        """What looks into the mirror."""
        is_short = self._mirror.is_close(await self._database.wait(0, 0))
        return await (self._database.glance if is_short else self._database.read)(work)

    async def _lose(self, leases: Sequence[Lease]) -> None:
        """The node answers and does not have them: they are gone, and other tries may start."""
        for lease in leases:
            await self._ends.lost(lease, "runner_lost")

    def _heard(self, report: NodeReport) -> Heard:
        if report.clock is None or report.clock.tzinfo is None:
            return Heard(report.version, None)
        return Heard(report.version, (report.clock - self._clock.now()).total_seconds())

    def _taking_all(
        self, node_id: str, report: NodeReport, held: Sequence[Held]
    ) -> list[asyncio.Task[None]]:
        said = {(one.id, one.lease_token): one for one in report.attempts if one.state == "ended"}
        # A node says an end until it is told to forget it, which may be many reports later.
        taken = self._taken.setdefault(node_id, set())
        taken.intersection_update(said)
        known = {one.attempt.id: one for one in held}
        return [
            self._taking(one, known.get(one.id), taken)
            for key, one in said.items()
            if key not in taken
        ]

    def _taking(
        self, said: AttemptReport, held: Held | None, taken: set[tuple[str, str]]
    ) -> asyncio.Task[None]:
        """Goes on when the node hangs up: it has other news, and would only say it again."""
        key = (said.id, said.lease_token)
        task = self._ending.get(key)
        if task is None:
            task = self._ending[key] = asyncio.create_task(self._take_end(said, held, taken))
            task.add_done_callback(lambda _: self._ending.pop(key))
        return task

    async def _take_end(
        self, said: AttemptReport, held: Held | None, taken: set[tuple[str, str]]
    ) -> None:
        exit_ = said.exit or {"schema": 1, "code": None, "reason": "runner_lost"}
        try:
            reported = Reported(exit_, said.result, said.artifacts or (), token=said.lease_token)
            await self._ends.record(said.id, reported, held)
            taken.add((said.id, said.lease_token))
        except Exception:
            # The node says it again. Until then its other attempts go on as if nothing was.
            log.exception("The end of attempt %s could not be recorded", said.id)

    def _renew(
        self, transaction: Transaction, node_id: str, report: NodeReport, about: Collection[str]
    ) -> list[Lease]:
        """Renew what the node holds, of those attempts which that is about; leases of what it should
        hold and has lost."""
        leased = leased_of(transaction, about)
        renewal = self._renewal(transaction, node_id, report, leased)
        if renewal.wakes:
            bump_epoch(transaction)
        for node in renewal.nodes:
            nodes.swap(transaction, node)
        for attempt in renewal.attempts:
            attempts.swap(transaction, attempt)
        for lease in renewal.leases:
            leases.swap(transaction, lease)
        return renewal.lost

    def _renewal(
        self,
        snapshot: Snapshot,
        node_id: str,
        report: NodeReport,
        leased: Iterable[tuple[Attempt, Lease]],
    ) -> Renewal:
        """What the report changes. Raises NodeUnknown."""
        node = nodes.get(snapshot, id=node_id)
        if node is None or node.boot_id != report.boot_id:
            raise NodeUnknown(
                f"Node {node_id!r} is not registered with boot id {report.boot_id!r}",
                hint="The worker registers again by itself.",
            )
        renewal = self._seen(snapshot, node)
        said = {one.id: one for one in report.attempts}
        for attempt, lease in leased:
            answer = said.get(attempt.id)
            if answer is None and attempt.started_at is not None:
                if not _is_older(report.sent_ms, attempt):
                    renewal.lost.append(lease)
                continue
            if answer is not None and (
                answer.lease_token != lease.token or answer.state == "ended"
            ):
                continue
            # One that is not reported is on its way: the node listens, so its lease lives too.
            status = AttemptStatus.GRANTED if answer is None else AttemptStatus.RUNNING
            if attempt.status is not status:
                started_at = answer and (attempt.started_at or answer.started_at or snapshot.now)
                is_first = answer is not None and attempt.started_at is None
                reported_ms = report.sent_ms if is_first else attempt.reported_ms
                update = {
                    "status": status,
                    "reason": None,
                    "started_at": started_at,
                    "reported_ms": reported_ms,
                }
                renewal.attempts.append(attempt.model_copy(update=update))
            if self._is_due(lease.expires_at - snapshot.now):
                expires_at = snapshot.now + timedelta(seconds=self.settings.lease_seconds)
                update = {"expires_at": expires_at}
                renewal.leases.append(lease.model_copy(update=update))
        return renewal

    def _seen(self, snapshot: Snapshot, node: Node) -> Renewal:
        """The node answers; the scheduler grants to it again if it did not before."""
        wakes = not is_answering(node, snapshot.now, self.settings.lease_seconds)
        until = node.seen_at + timedelta(seconds=self.settings.lease_seconds) - snapshot.now
        seen = [node.model_copy(update={"seen_at": snapshot.now})] if self._is_due(until) else []
        return Renewal(wakes, seen, [], [], [])

    def _is_due(self, left: timedelta) -> bool:
        """Whether to renew what has `left`: not each time, for every renewal is a change that is
        kept; and always after a clock went back."""
        lease = timedelta(seconds=self.settings.lease_seconds)
        return not lease * _FRESH <= left <= lease

    def _look(
        self,
        snapshot: Snapshot,
        held: Sequence[Held],
        *,
        node_id: str,
        report: NodeReport,
        is_due: bool,
    ) -> NodeOrders | Quiet:
        """The orders, when they are news or due; else what news to wait for."""
        found = pools.get(snapshot, id=POOL)
        is_draining = found is not None and found.is_draining
        version = _version(held, is_draining=is_draining)
        live = {h.attempt.id for h in held}
        forget = tuple(
            attempt.id
            for attempt in report.attempts
            if attempt.id not in live or self._is_stale(held, attempt)
        )
        if version == report.seen and not forget and not is_due:
            return Quiet(snapshot.last_change(), node_id, frozenset(h.job.id for h in held))
        specs = Specs(snapshot)
        return NodeOrders(
            version=version,
            draining=is_draining,
            attempts=tuple(self._desired(snapshot, specs, h) for h in held),
            forget=forget,
        )

    def _is_stale(self, held: Sequence[Held], reported: AttemptReport) -> bool:
        return any(
            h.attempt.id == reported.id and h.lease.token != reported.lease_token for h in held
        )

    def _desired(self, snapshot: Snapshot, specs: Specs, held: Held) -> DesiredAttempt:
        reason = held.job.stop_requested
        return DesiredAttempt(
            id=held.attempt.id,
            job=held.job.id,
            project=held.job.project,
            lease_token=held.lease.token,
            expires_in_seconds=(held.lease.expires_at - snapshot.now).total_seconds(),
            desired="run" if reason is None else "stop",
            stop_reason=reason,
            token=attempt_token(self._token_key, held.attempt.id, held.lease.token),
            devices=held.lease.devices,
            spec=specs.of(held),
        )


def _is_older(sent_ms: int | None, attempt: Attempt) -> bool:
    """Whether a message that does not name `attempt` was sent before one that did, and came late:
    a request that was given up, or tried twice. It cannot tell that the attempt is gone."""
    reported_ms = attempt.reported_ms
    return sent_ms is not None and reported_ms is not None and sent_ms <= reported_ms


def _version(held: Sequence[Held], *, is_draining: bool) -> int:
    """A number that changes when the orders do; below 2**53, so that JSON keeps it."""
    words = [[h.attempt.id, h.lease.token, h.job.stop_requested] for h in held]
    text = json.dumps([words, is_draining])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])
