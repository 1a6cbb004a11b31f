"""A create that is sent twice happens once: `Idempotency-Key` → the id that it made.

The key is written in the transaction of the create itself, so there is no moment at which
one of the two exists alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from pileus.core.errors import Conflict
from pileus.storage.table import Table, text, time
from pileus.storage.transaction import Snapshot, Transaction

IDEMPOTENCY = Table(
    name="idempotency",
    noun="idempotency_key",
    columns=(text("project"), text("key"), text("request"), text("made"), time("created_at")),
    key=("project", "key"),
)


class KeyReused(Conflict, code="idempotency_key_reused"):
    """The same Idempotency-Key came with a different request."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"Idempotency-Key {key!r} was used for a different request",
            hint="Send a new key with each new request.",
        )


@dataclass(frozen=True)
class Once:
    """One create request: its key and a digest of what it asks."""

    key: str
    request: str

    def made(self, snapshot: Snapshot, project: str) -> str | None:
        """Id that this request made before, or None. Raises KeyReused."""
        record = snapshot.get(IDEMPOTENCY, project=project, key=self.key)
        if record is None:
            return None
        if record["request"] != self.request:
            raise KeyReused(self.key)
        return str(record["made"])

    def remember(self, transaction: Transaction, project: str, made: str) -> None:
        """Record, in the create's own transaction, what the request made."""
        transaction.insert(
            IDEMPOTENCY,
            {
                "project": project,
                "key": self.key,
                "request": self.request,
                "made": made,
                "created_at": transaction.now,
            },
        )
