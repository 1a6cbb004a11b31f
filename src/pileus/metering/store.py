"""What metering needs from persistence."""

from __future__ import annotations

from datetime import datetime

from pileus.core.schemas.base import Row
from pileus.core.schemas.metering import LedgerEntry, Price
from pileus.metering.tables import CARRIES, LEDGER, PRICES, SOURCES, STORAGE_METERS
from pileus.storage.rows import Rows


class Carry(Row):
    """What rounding down has left over so far, in 1/10**exponent micro-units of a price."""

    price: str
    remainder: int


class Source(Row):
    """High-water mark of a source of meters."""

    sequence: int


class StorageMeter(Row):
    """Until when a project's stored bytes are on the ledger, and how many there are since."""

    metered_until: datetime
    bytes: int
    remainder: int
    """Byte-milliseconds that did not make a whole MiB-second yet."""


prices = Rows(PRICES, Price)
ledger = Rows(LEDGER, LedgerEntry)
carries = Rows(CARRIES, Carry)
sources = Rows(SOURCES, Source)
storage_meters = Rows(STORAGE_METERS, StorageMeter)
