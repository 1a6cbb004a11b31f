"""Stored bytes over time: MiB-seconds of the blobs of each project, on the ledger."""

from __future__ import annotations

from datetime import timedelta

from pileus.core.ids import NewId
from pileus.metering.ledger import Ledger, Use
from pileus.metering.prices import current_price
from pileus.metering.store import StorageMeter, storage_meters
from pileus.metering.tables import BLOBS
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot, Transaction

MIB = 1024 * 1024
MIB_SECOND = MIB * 1000
"""One MiB-second in byte-milliseconds."""


class StorageAccount:
    """Knows which blobs a project has and charges for keeping them."""

    def __init__(self, database: Database, ledger: Ledger, new_id: NewId) -> None:
        self._database = database
        self._ledger = ledger
        self._new_id = new_id

    async def record(self, project: str, digest: str, size: int) -> None:
        """A blob has been stored. Repeating it changes nothing."""
        await self._database.write(lambda transaction: self.add(transaction, project, digest, size))

    def add(self, transaction: Transaction, project: str, digest: str, size: int) -> None:
        """As `record`, in the caller's transaction."""
        if transaction.get(BLOBS, project=project, digest=digest) is not None:
            return
        self._advance(transaction, project, added=size)
        transaction.insert(
            BLOBS,
            {"project": project, "digest": digest, "size": size, "created_at": transaction.now},
        )

    def forget(self, transaction: Transaction, project: str) -> None:
        """The project has no blob any more: what it kept until now is charged, and nothing after."""
        meter = storage_meters.get(transaction, project=project)
        if meter is not None:
            self._advance(transaction, project, added=-meter.bytes)
        transaction.delete(BLOBS, [("project", "=", project)])

    async def missing(self, project: str, digests: list[str]) -> list[str]:
        """Those of `digests` that the project has no blob of, in the order given."""

        def work(snapshot: Snapshot) -> set[str]:
            found = snapshot.find(BLOBS, [("project", "=", project), ("digest", "in", digests)])
            return {str(record["digest"]) for record in found}

        known = await self._database.read(work)
        return [digest for digest in dict.fromkeys(digests) if digest not in known]

    async def sizes(self, project: str, digests: list[str]) -> dict[str, int]:
        """Digest → size in bytes, of those that the project has."""

        def work(snapshot: Snapshot) -> dict[str, int]:
            found = snapshot.find(BLOBS, [("project", "=", project), ("digest", "in", digests)])
            return {str(record["digest"]): int(record["size"]) for record in found}

        return await self._database.read(work)

    async def advance_all(self) -> None:
        """Put what every project stored since its last slice on the ledger."""
        await self._database.write(self.settle)

    def settle(self, transaction: Transaction) -> None:
        """As `advance_all`, in the caller's transaction."""
        for meter in storage_meters.find(transaction, order=["project"]):
            self._advance(transaction, meter.project)

    def _advance(self, transaction: Transaction, project: str, *, added: int = 0) -> None:
        meter = storage_meters.get(transaction, project=project)
        if meter is None:
            storage_meters.insert(
                transaction,
                StorageMeter(
                    id=self._new_id("stm"),
                    project=project,
                    created_at=transaction.now,
                    metered_until=transaction.now,
                    bytes=added,
                    remainder=0,
                ),
            )
            return
        # A clock that went back must not take money back: the slice is then empty.
        until = max(transaction.now, meter.metered_until)
        elapsed = (until - meter.metered_until) // timedelta(milliseconds=1)
        if not elapsed and not added:
            return
        quantity, remainder = divmod(meter.bytes * elapsed + meter.remainder, MIB_SECOND)
        sequence = (until - meter.created_at) // timedelta(milliseconds=1)
        if quantity:
            use = Use(
                project=project,
                resource="storage",
                quantity=quantity,
                price=current_price(transaction, "storage").id,
                subject=project,
                source=meter.id,
                sequence=sequence,
                started_at=meter.metered_until,
                ended_at=until,
            )
            self._ledger.post(transaction, [use])
        storage_meters.swap(
            transaction,
            meter.model_copy(
                update={
                    "metered_until": meter.metered_until + timedelta(milliseconds=elapsed),
                    "bytes": meter.bytes + added,
                    "remainder": remainder,
                }
            ),
        )
