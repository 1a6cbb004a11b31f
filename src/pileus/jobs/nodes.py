"""The conversation with nodes: they report what runs, and learn all that they should run.

The orders are declarative, so a lost or repeated message does no harm.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta

from pileus.core.clock import Clock
from pileus.core.ids import NewId
from pileus.core.schemas.jobs import (
    AttemptInput,
    AttemptReport,
    AttemptSpec,
    AttemptStatus,
    DesiredAttempt,
    InputFile,
    Node,
    NodeOrders,
    NodeReport,
    Registration,
)
from pileus.jobs.ends import Ends, Reported
from pileus.jobs.errors import NodeUnknown
from pileus.jobs.service import CHECKPOINT
from pileus.jobs.settings import JobsSettings
from pileus.jobs.store import (
    INSTALLATION,
    POOL,
    Held,
    attempts,
    attempts_of,
    held_by,
    held_on,
    leases,
    nodes,
    pools,
)
from pileus.security.tokens import attempt_token
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot, Transaction
from pileus.tracking.artifacts import artifacts_of


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
        self.settings = settings

    async def register(self, registration: Registration) -> Node:
        """A worker has started on a node. What it does not hold any more is lost."""

        def work(transaction: Transaction) -> tuple[Node, list[str]]:
            node = nodes.get(transaction, name=registration.name)
            if node is None:
                node = nodes.insert(
                    transaction,
                    Node(
                        id=self._new_id("nod"),
                        project=INSTALLATION,
                        created_at=transaction.now,
                        name=registration.name,
                        boot_id=registration.boot_id,
                        capacity=registration.capacity,
                        seen_at=transaction.now,
                    ),
                )
                return node, []
            rebooted = node.boot_id != registration.boot_id
            update = {
                "boot_id": registration.boot_id,
                "capacity": registration.capacity,
                "seen_at": transaction.now,
            }
            node = nodes.swap(transaction, node.model_copy(update=update))
            held = held_on(transaction, node.id)
            # After a boot nothing of before runs, whatever is left of it on disk.
            # A granted attempt that never reached the node is simply ordered again.
            lost = [
                h.attempt.id
                for h in held
                if h.attempt.status is not AttemptStatus.GRANTED
                and (rebooted or h.attempt.id not in registration.holding)
            ]
            return node, lost

        node, lost = await self._database.write(work)
        for attempt in lost:
            await self._ends.lost(attempt, "node_lost")
        return node

    async def sync(self, node_id: str, report: NodeReport, wait_seconds: float) -> NodeOrders:
        """Take a report; answer with orders, at once when they are news, else after a while."""
        for said in report.attempts:
            if said.state == "ended":
                await self._take_end(said)
        await self._renew(node_id, report)
        deadline = self._clock.monotonic() + wait_seconds
        while True:
            seq, orders = await self._database.read(
                lambda snapshot: (
                    snapshot.last_change(),
                    self._orders(snapshot, node_id, report.attempts),
                )
            )
            left = deadline - self._clock.monotonic()
            if orders.version != report.seen or orders.forget or left <= 0:
                return orders
            await self._database.wait(seq, left)

    async def _take_end(self, said: AttemptReport) -> None:
        def holds(snapshot: Snapshot) -> bool:
            attempt = attempts.get(snapshot, id=said.id)
            return (
                attempt is not None and held_by(snapshot, attempt).lease.token == said.lease_token
            )

        if await self._database.read(holds):
            exit_ = said.exit or {"schema": 1, "code": None, "reason": "runner_lost"}
            await self._ends.record(said.id, Reported(exit_, said.result, said.artifacts or ()))

    async def _renew(self, node_id: str, report: NodeReport) -> None:
        said = {attempt.id: attempt for attempt in report.attempts}

        def work(transaction: Transaction) -> list[str]:
            node = nodes.get(transaction, id=node_id)
            if node is None or node.boot_id != report.boot_id:
                raise NodeUnknown(
                    f"Node {node_id!r} is not registered with boot id {report.boot_id!r}",
                    hint="The worker registers again by itself.",
                )
            lost = []
            expires_at = transaction.now + timedelta(seconds=self.settings.lease_seconds)
            for held in held_on(transaction, node_id):
                answer = said.get(held.attempt.id)
                if answer is None:
                    if held.attempt.status is not AttemptStatus.GRANTED:
                        lost.append(held.attempt.id)
                        continue
                elif answer.lease_token != held.lease.token or answer.state == "ended":
                    continue
                elif held.attempt.status is not AttemptStatus.RUNNING:
                    update = {
                        "status": AttemptStatus.RUNNING,
                        "reason": None,
                        "started_at": held.attempt.started_at
                        or answer.started_at
                        or transaction.now,
                    }
                    attempts.swap(transaction, held.attempt.model_copy(update=update))
                # A granted attempt on a node that listens is on its way: its lease lives too.
                leases.swap(transaction, held.lease.model_copy(update={"expires_at": expires_at}))
            return lost

        for attempt in await self._database.write(work):
            # The node answers and does not have it: it is gone, and another try may start.
            await self._ends.lost(attempt, "runner_lost")

    def _orders(
        self, snapshot: Snapshot, node_id: str, reported: Sequence[AttemptReport]
    ) -> NodeOrders:
        held = held_on(snapshot, node_id)
        found = pools.get(snapshot, id=POOL)
        desired = tuple(self._desired(snapshot, h) for h in held)
        live = {h.attempt.id for h in held}
        forget = tuple(
            attempt.id
            for attempt in reported
            if attempt.id not in live or self._is_stale(held, attempt)
        )
        is_draining = found is not None and found.is_draining
        return NodeOrders(
            version=_version(desired, is_draining=is_draining),
            draining=is_draining,
            attempts=desired,
            forget=forget,
        )

    def _is_stale(self, held: Sequence[Held], reported: AttemptReport) -> bool:
        return any(
            h.attempt.id == reported.id and h.lease.token != reported.lease_token for h in held
        )

    def _desired(self, snapshot: Snapshot, held: Held) -> DesiredAttempt:
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
            spec=spec_of(snapshot, held),
        )


def spec_of(snapshot: Snapshot, held: Held) -> AttemptSpec:
    """All that a node needs; a retry finds the last checkpoint among its inputs."""
    job = held.job
    inputs = list(job.inputs)
    checkpoint = _checkpoint(snapshot, held)
    if checkpoint is not None:
        inputs.append(checkpoint)
    return AttemptSpec(
        attempt=held.attempt.id,
        job=job.id,
        project=job.project,
        number=held.attempt.number,
        command=job.spec.command,
        recipe_entry=job.params["entry"],
        environment=job.params["environment"],
        env=job.spec.env,
        inputs=tuple(inputs),
        params=job.params["values"],
        resources=job.spec.resources,
        timeout_seconds=job.spec.timeout_seconds,
        grace_seconds=job.spec.grace_seconds,
    )


def _checkpoint(snapshot: Snapshot, held: Held) -> AttemptInput | None:
    prefix = f"{CHECKPOINT}/"
    for earlier in reversed(attempts_of(snapshot, held.job.id)):
        if earlier.number >= held.attempt.number:
            continue
        saved = [
            artifact
            for artifact in artifacts_of(snapshot, held.job.project, earlier.id)
            if artifact.path.startswith(prefix)
        ]
        if saved:
            files = tuple(
                InputFile(path=a.path.removeprefix(prefix), digest=a.digest, size=a.size)
                for a in saved
            )
            return AttemptInput(name=CHECKPOINT, kind="files", files=files)
    return None


def _version(desired: Sequence[DesiredAttempt], *, is_draining: bool) -> int:
    """A number that changes when the orders do; below 2**53, so that JSON keeps it."""
    words = [[d.id, d.lease_token, d.desired, d.stop_reason] for d in desired]
    text = json.dumps([words, is_draining])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])
