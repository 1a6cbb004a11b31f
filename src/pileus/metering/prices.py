"""The price book: micro-units per 10^k units, so that small prices stay integers.

0.10 per million predictions is 100,000 micro-units per 10^6 predictions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pileus.core.ids import NewId
from pileus.core.schemas.metering import Price
from pileus.core.schemas.tenancy import Caller
from pileus.metering.errors import PriceNotFound, PriceRefused
from pileus.metering.store import prices
from pileus.security.audit import AuditLog
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot, Transaction, Where

INSTALLATION = ""
"""`project` of rows that belong to the whole installation."""

MAX_EXPONENT = 12
MAX_MICRO = 10**15
MAX_MICRO_PER_UNIT = 10**8
"""100 of the currency for a millisecond or a byte: above it, amounts would outgrow 64 bits."""

Settle = Callable[[Transaction], None]
"""Puts on the ledger, in the transaction of a change, what was used at the price before it."""


@dataclass(frozen=True)
class DefaultPrice:
    """A price to start with; the comment beside each says what it is in everyday units."""

    resource: str
    unit: str
    micro: int
    exponent: int


DEFAULTS = (
    DefaultPrice("cpu", "ms", 111, 4),  # 0.04 an hour of one processor
    DefaultPrice("memory", "MiB-s", 136, 5),  # 0.005 an hour of one GiB
    DefaultPrice("gpu", "ms", 5_556, 4),  # 2.00 an hour of one GPU
    DefaultPrice("custom", "ms", 0, 0),  # named flavours are free until someone prices them
    DefaultPrice("storage", "MiB-s", 7_535, 9),  # 0.02 a month of one GiB
    DefaultPrice("bytes_in", "byte", 0, 0),
    DefaultPrice("bytes_out", "byte", 46_566, 9),  # 0.05 a GiB
    DefaultPrice("prediction", "prediction", 100_000, 6),  # 0.10 a million
)


class PriceBook:
    """What a unit of each resource costs."""

    def __init__(self, database: Database, new_id: NewId, audit: AuditLog, settle: Settle) -> None:
        self._database = database
        self._new_id = new_id
        self._audit = audit
        self._settle = settle

    async def ensure_defaults(self) -> None:
        """Give every resource that has no price its default."""

        def work(transaction: Transaction) -> None:
            known = {price.resource for price in prices.find(transaction)}
            for default in DEFAULTS:
                if default.resource not in known:
                    self._insert(transaction, default)

        await self._database.write(work)

    async def current(self) -> list[Price]:
        """Prices in force, by resource."""
        return await self._database.read(
            lambda snapshot: prices.find(snapshot, [("is_current", "=", True)], order=["resource"])
        )

    async def change(self, caller: Caller, resource: str, micro: int, exponent: int) -> Price:
        """A new price from now on. What is granted or deployed keeps the price it began with."""
        if not 0 <= micro <= MAX_MICRO or not 0 <= exponent <= MAX_EXPONENT:
            raise PriceRefused(
                f"Price of {micro} micro-units per 10^{exponent} is out of range",
                hint=f"Use 0 to {MAX_MICRO} micro-units and an exponent of 0 to {MAX_EXPONENT}.",
            )

        if micro > MAX_MICRO_PER_UNIT * 10**exponent:
            raise PriceRefused(
                f"Price of {micro} micro-units per 10^{exponent} is above {MAX_MICRO_PER_UNIT}"
                " micro-units a unit",
                hint="Look at the unit: time is priced by the millisecond.",
            )

        def work(transaction: Transaction) -> Price:
            old = current_price(transaction, resource)
            self._settle(transaction)
            prices.swap(transaction, old.model_copy(update={"is_current": False}))
            new = self._insert(transaction, DefaultPrice(resource, old.unit, micro, exponent))
            self._audit.append(
                transaction,
                caller,
                "change",
                "price",
                new.id,
                resource=resource,
                micro=micro,
                exponent=exponent,
            )
            return new

        return await self._database.write(work)

    def _insert(self, transaction: Transaction, default: DefaultPrice) -> Price:
        return prices.insert(
            transaction,
            Price(
                id=self._new_id("prc"),
                project=INSTALLATION,
                created_at=transaction.now,
                resource=default.resource,
                unit=default.unit,
                micro=default.micro,
                exponent=default.exponent,
            ),
        )


def current_price(snapshot: Snapshot, resource: str) -> Price:
    """The price of `resource` in force. Raises PriceNotFound."""
    return current_prices(snapshot, {resource})[resource]


def current_prices(snapshot: Snapshot, resources: set[str]) -> dict[str, Price]:
    """Resource → its price in force. Raises PriceNotFound."""
    where: Where = [("resource", "in", sorted(resources)), ("is_current", "=", True)]
    found = {price.resource: price for price in prices.find(snapshot, where)}
    for resource in sorted(resources - found.keys()):
        raise PriceNotFound(
            f"Resource {resource!r} has no price", hint="List prices with `pileus price list`."
        )
    return found
