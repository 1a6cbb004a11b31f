"""Prices, ledger entries and invoices. Money is integers: micro-units of one currency."""

from __future__ import annotations

from datetime import datetime

from pileus.core.schemas.base import Answer, Row


class Price(Row):
    """`micro` micro-units per 10**`exponent` units of `resource`."""

    resource: str
    unit: str
    micro: int
    exponent: int
    is_current: bool = True


class LedgerEntry(Row):
    """A metered quantity in money. Rounded down; the remainder is carried to the next entry."""

    resource: str
    quantity: int
    price: str
    amount_micro: int
    subject: str
    """Lease, revision or project that used it."""

    source: str
    sequence: int
    """High-water mark of the source; (source, sequence, resource, subject) is posted once."""

    started_at: datetime
    ended_at: datetime


class InvoiceLine(Answer):
    """One resource on an invoice."""

    resource: str
    unit: str
    quantity: int
    amount_micro: int
    entries: int


class Invoice(Answer):
    """A sum of entries over [since, until)."""

    project: str
    currency: str
    since: datetime | None
    until: datetime | None
    lines: tuple[InvoiceLine, ...]
    total_micro: int


class Counter(Answer):
    """Absolute counters of one meter slot of a lane; they only grow."""

    slot: int
    project: str
    token: str
    revision: str
    price_id: str
    requests: int
    predictions: int
    bytes_in: int
    bytes_out: int
    errors: int


class MeterReport(Answer):
    """What a gateway ships: all counters of one lane boot."""

    source: str
    lane: int
    sequence: int
    final: bool = False
    counters: tuple[Counter, ...]
