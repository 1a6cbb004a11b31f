"""The ledger: metered quantities in money, posted once, within the transaction of their cause.

An entry rounds down and carries the remainder to the next one of the same project and price,
so that many small uses cost what one large use costs, and a sum of entries is the invoice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pileus.core.ids import NewId
from pileus.core.schemas.metering import Invoice, InvoiceLine, LedgerEntry, Price
from pileus.metering.store import Carry, carries, ledger, prices
from pileus.metering.tables import LEDGER
from pileus.storage.database import Database
from pileus.storage.transaction import Condition, Snapshot, Transaction, Where


@dataclass(frozen=True)
class Use:
    """A quantity of one resource that someone used in [started_at, ended_at)."""

    project: str
    resource: str
    quantity: int
    price: str
    subject: str
    source: str
    sequence: int
    started_at: datetime
    ended_at: datetime


class Ledger:
    """Posts uses and sums them up."""

    def __init__(self, database: Database, new_id: NewId, currency: str) -> None:
        self._database = database
        self._new_id = new_id
        self._currency = currency

    def post(self, transaction: Transaction, uses: Sequence[Use]) -> list[LedgerEntry]:
        """Put uses on the ledger in the caller's transaction; empty ones leave no entry.

        Raises Duplicate for a (source, sequence, resource, subject, price) that is there.
        """
        posted = [use for use in uses if use.quantity > 0]
        if not posted:
            return []
        wanted = {use.price for use in posted}
        book = {price.id: price for price in prices.find(transaction, [("id", "in", [*wanted])])}
        carried = {
            (carry.project, carry.price): carry
            for project in {use.project for use in posted}
            for carry in carries.find(
                transaction, [("project", "=", project), ("price", "in", [*wanted])]
            )
        }
        return [self._post(transaction, use, book, carried) for use in posted]

    async def invoice(
        self, project: str, since: datetime | None, until: datetime | None
    ) -> Invoice:
        """The sum of the entries that ended in [since, until), a line per resource."""
        where: list[Condition] = [("project", "=", project)]
        if since is not None:
            where.append(("ended_at", ">=", since))
        if until is not None:
            where.append(("ended_at", "<", until))
        return await self._database.read(
            lambda snapshot: self._invoice(snapshot, project, since, until, where)
        )

    async def entries(
        self, project: str, where: Where = (), *, limit: int | None = None
    ) -> list[LedgerEntry]:
        """Entries of a project, by id."""
        return await self._database.read(
            lambda snapshot: ledger.find(
                snapshot, [("project", "=", project), *where], order=["id"], limit=limit
            )
        )

    def _post(
        self,
        transaction: Transaction,
        use: Use,
        book: Mapping[str, Price],
        carried: dict[tuple[str, str], Carry],
    ) -> LedgerEntry:
        """`carried` is kept as the rows of the transaction are."""
        price = book.get(use.price)
        if price is None:
            raise KeyError(f"use of {use.resource!r} names a price that is not there: {use.price}")
        key = (use.project, use.price)
        carry = carried.get(key)
        amount, remainder = amount_of(price, use.quantity, carry.remainder if carry else 0)
        if carry is None:
            carried[key] = carries.insert(
                transaction,
                Carry(
                    id=self._new_id("cry"),
                    project=use.project,
                    created_at=transaction.now,
                    price=use.price,
                    remainder=remainder,
                ),
            )
        elif carry.remainder != remainder:
            carry = carry.model_copy(update={"remainder": remainder})
            carried[key] = carries.swap(transaction, carry)
        return ledger.insert(
            transaction,
            LedgerEntry(
                id=self._new_id("ldg"),
                project=use.project,
                created_at=transaction.now,
                resource=use.resource,
                quantity=use.quantity,
                price=use.price,
                amount_micro=amount,
                subject=use.subject,
                source=use.source,
                sequence=use.sequence,
                started_at=use.started_at,
                ended_at=use.ended_at,
            ),
        )

    def _invoice(
        self,
        snapshot: Snapshot,
        project: str,
        since: datetime | None,
        until: datetime | None,
        where: Where,
    ) -> Invoice:
        units = {price.resource: price.unit for price in prices.find(snapshot)}
        sums = snapshot.total(LEDGER, ["quantity", "amount_micro"], where, by=["resource"])
        lines = tuple(
            InvoiceLine(
                resource=row["resource"],
                unit=units.get(row["resource"].partition(":")[0], ""),
                quantity=row["quantity"],
                amount_micro=row["amount_micro"],
                entries=row["count"],
            )
            for row in sums
        )
        return Invoice(
            project=project,
            currency=self._currency,
            since=since,
            until=until,
            lines=lines,
            total_micro=sum(line.amount_micro for line in lines),
        )


def cost_of(snapshot: Snapshot, project: str, subject: str) -> int:
    """Micro-units that a job, revision or project has cost so far."""
    where: Where = [("project", "=", project), ("subject", "=", subject)]
    total: int = snapshot.total(LEDGER, ["amount_micro"], where)[0]["amount_micro"]
    return total


def amount_of(price: Price, quantity: int, carried: int) -> tuple[int, int]:
    """Micro-units for `quantity`, rounded down, and the remainder in 1/10**exponent of one."""
    scale: int = 10**price.exponent
    return divmod(quantity * price.micro + carried, scale)
