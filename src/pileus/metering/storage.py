"""Stored bytes over time: MiB-seconds of the blobs of each project, on the ledger.

A blob is *freed* when the last thing that named it was deleted: it costs nothing from then on, while
it waits for its grace to pass. Whoever announces it again has it again, at its price.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from pileus.core.ids import NewId
from pileus.metering.ledger import Ledger, Use
from pileus.metering.prices import current_price
from pileus.metering.store import StorageMeter, storage_meters
from pileus.metering.tables import BLOBS
from pileus.storage.database import Database
from pileus.storage.errors import BlobNotFound
from pileus.storage.transaction import Condition, Snapshot, Transaction

MIB = 1024 * 1024
_LATELY = timedelta(minutes=1)
"""An announcement is noted once a minute: it holds for hours, and may name thousands of blobs."""

MIB_SECOND = MIB * 1000
"""One MiB-second in byte-milliseconds."""


@dataclass(frozen=True)
class StoredBlob:
    """A blob as collection sees it."""

    digest: str
    size: int
    announced_at: datetime
    is_freed: bool


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
        if self.announce(transaction, project, [digest]):
            return
        self._advance(transaction, project, added=size)
        transaction.insert(
            BLOBS,
            {
                "project": project,
                "digest": digest,
                "size": size,
                "created_at": transaction.now,
                "announced_at": transaction.now,
            },
        )

    def announce(
        self, transaction: Transaction, project: str, digests: Collection[str]
    ) -> set[str]:
        """Those of `digests` that the project has; none of them is collected as left over for the
        grace of uploads from now on, and each costs what it is stored for."""
        found = transaction.find(
            BLOBS, [("project", "=", project), ("digest", "in", list(digests))]
        )
        again = sum(int(record["size"]) for record in found if record["freed_at"] is not None)
        if again:
            self._advance(transaction, project, added=again)
        lately = transaction.now - _LATELY
        for record in found:
            if record["freed_at"] is not None or record["announced_at"] < lately:
                transaction.put(
                    BLOBS, {**record, "announced_at": transaction.now, "freed_at": None}
                )
        return {str(record["digest"]) for record in found}

    def claim(self, transaction: Transaction, project: str, digests: Collection[str]) -> None:
        """As `announce`, where all must be there: in the transaction of what names them.

        Raises BlobNotFound for one that was collected since it was uploaded.
        """
        gone = sorted(set(digests) - self.announce(transaction, project, digests))
        if gone:
            raise BlobNotFound(
                f"Blob {gone[0]!r} is not there any more",
                hint="It was collected before anything named it; upload it again.",
            )

    def free(self, transaction: Transaction, project: str, digests: Collection[str]) -> int:
        """Nothing names these any more: they cost nothing until they are collected or announced
        again. How many bytes that is."""
        found = transaction.find(
            BLOBS,
            [("project", "=", project), ("digest", "in", list(digests)), ("freed_at", "=", None)],
        )
        freed = sum(int(record["size"]) for record in found)
        if found:
            self._advance(transaction, project, added=-freed)
        for record in found:
            transaction.put(BLOBS, {**record, "freed_at": transaction.now})
        return freed

    def free_all(self, transaction: Transaction, project: str) -> int:
        """As `free`, for a project that is deleted."""
        found = transaction.find(BLOBS, [("project", "=", project), ("freed_at", "=", None)])
        return self.free(transaction, project, [str(record["digest"]) for record in found])

    def forget_all(self, transaction: Transaction, project: str) -> None:
        """The project has no blob any more: what it kept until now is charged, and nothing after."""
        self.forget(transaction, project, [blob.digest for blob in stored_in(transaction, project)])

    def forget(self, transaction: Transaction, project: str, digests: Collection[str]) -> None:
        """These are about to be removed from the disk."""
        self.free(transaction, project, digests)
        transaction.delete(BLOBS, [("project", "=", project), ("digest", "in", list(digests))])

    async def is_freed(self, project: str, digest: str) -> bool:
        """Whether everything that named this blob was deleted."""
        record = await self._database.read(
            lambda snapshot: snapshot.get(BLOBS, project=project, digest=digest)
        )
        return record is not None and record["freed_at"] is not None

    async def missing(self, project: str, digests: list[str]) -> list[str]:
        """Those of `digests` that the project has no blob of, in the order given.

        The others are announced: an upload that goes on from this answer finds them.
        """
        known = await self._database.write(
            lambda transaction: self.announce(transaction, project, digests)
        )
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


def stored_in(
    snapshot: Snapshot, project: str, among: Collection[str] | None = None
) -> list[StoredBlob]:
    """Blobs that are recorded for a project: all, or those of `among`."""
    where: list[Condition] = [("project", "=", project)]
    if among is not None:
        where.append(("digest", "in", list(among)))
    return [
        StoredBlob(
            str(record["digest"]),
            int(record["size"]),
            record["announced_at"],
            is_freed=record["freed_at"] is not None,
        )
        for record in snapshot.find(BLOBS, where)
    ]


def projects_with_blobs(snapshot: Snapshot) -> list[str]:
    """Ids of projects that have any."""
    return [str(record["project"]) for record in snapshot.total(BLOBS, (), by=("project",))]
