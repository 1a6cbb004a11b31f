"""The audit chain: what principals changed, each event carrying the hash of the one before it.

Written in the transaction of the change, so neither exists without the other. A removed or
altered event breaks every later hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from pileus.core.ids import NewId
from pileus.core.schemas.tenancy import AuditEvent, Caller
from pileus.security.tables import AUDIT
from pileus.storage.errors import Duplicate, Stale
from pileus.storage.rows import Rows
from pileus.storage.transaction import Snapshot, Transaction, Where

_events = Rows(AUDIT, AuditEvent)
_FIRST = "0" * 64

REQUEST = "request"
"""Part of an event's detail: id of the request that made the change, as the logs have it."""


class AuditLog:
    """Appends events and checks the chain."""

    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id

    def append(
        self,
        transaction: Transaction,
        caller: Caller,
        action: str,
        noun: str,
        subject: str,
        **detail: object,
    ) -> AuditEvent:
        """Record that `caller` did `action` to the `noun` with id `subject`.

        Raises Stale when another transaction appended first (possible on Postgres).
        """
        last = _events.find(
            transaction, [("project", "=", caller.project)], order=["-seq"], limit=1
        )
        draft = AuditEvent(
            id=self._new_id("evt"),
            project=caller.project,
            created_at=transaction.now,
            seq=last[0].seq + 1 if last else 1,
            principal=caller.principal,
            action=action,
            noun=noun,
            subject=subject,
            detail=detail if caller.request_id is None else {**detail, REQUEST: caller.request_id},
            previous_hash=last[0].hash if last else _FIRST,
            hash="",
        )
        event = draft.model_copy(update={"hash": chain_hash(draft)})
        try:
            return _events.insert(transaction, event)
        except Duplicate as error:
            raise Stale(f"audit event {event.seq} was taken by another transaction") from error

    def events(
        self, snapshot: Snapshot, project: str, where: Where = (), *, limit: int | None = None
    ) -> list[AuditEvent]:
        """Events of a project, newest first."""
        return _events.find(
            snapshot, [("project", "=", project), *where], order=["-seq"], limit=limit
        )


def chain_hash(event: AuditEvent) -> str:
    """SHA-256 over everything in the event but its own hash; JSON with sorted keys."""
    content = event.model_dump(mode="json", exclude={"hash", "rev"})
    return hashlib.sha256(
        json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def broken_at(events: Sequence[AuditEvent]) -> int | None:
    """`seq` of the first event (in ascending order) that does not follow from the one before."""
    previous = events[0].previous_hash if events and events[0].seq > 1 else _FIRST
    expected = events[0].seq if events else 1
    for event in events:
        if event.seq != expected or event.previous_hash != previous:
            return event.seq
        if event.hash != chain_hash(event):
            return event.seq
        previous, expected = event.hash, expected + 1
    return None
