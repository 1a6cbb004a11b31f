"""Takes a node off the list that has gone for good: a machine that was given away, or lost."""

from __future__ import annotations

from pileus.core.ids import NewId
from pileus.core.schemas.deletion import Tombstone
from pileus.core.schemas.tenancy import Caller
from pileus.jobs.errors import NodeInUse, NodeNotFound
from pileus.jobs.store import bump_epoch, is_answering, leases, node_usage, nodes
from pileus.security.audit import AuditLog
from pileus.security.tombstones import mark_gone
from pileus.storage.database import Database
from pileus.storage.transaction import Transaction


class NodeRemoval:
    """The verb of an operator on nodes."""

    def __init__(
        self, database: Database, new_id: NewId, audit: AuditLog, lease_seconds: float
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._audit = audit
        self._lease_seconds = lease_seconds

    async def remove(self, caller: Caller, name: str) -> Tombstone:
        """The node of this name is forgotten; a worker that comes back with it registers anew.

        Raises NodeNotFound, NodeInUse.
        """

        def work(transaction: Transaction) -> Tombstone:
            node = nodes.get(transaction, name=name)
            if node is None:
                raise NodeNotFound(
                    f"Node {name!r} not found", hint="`pileus node list` lists the nodes."
                )
            if is_answering(node, transaction.now, self._lease_seconds):
                raise NodeInUse(
                    f"Node {name!r} answers",
                    hint="Stop its worker first; it counts as silent when its lease has run out.",
                )
            held = leases.find(transaction, [("node", "=", node.id), ("released_at", "=", None)])
            if held:
                raise NodeInUse(
                    f"Attempts may still run on node {name!r}: {len(held)}",
                    hint="They are given up when their fence has passed (fence_seconds of [jobs]).",
                )
            transaction.delete(nodes.table, [("id", "=", node.id)])
            transaction.delete(node_usage.table, [("node", "=", node.id)])
            bump_epoch(transaction)
            tombstone = mark_gone(
                transaction, caller, self._new_id("tmb"), "node", node.id, node.name
            )
            self._audit.append(transaction, caller, "remove", "node", node.id, name=node.name)
            return tombstone

        return await self._database.write(work)
