"""Takes the meters of gateways: absolute counters in, ledger entries for what is new out.

A report is taken by high-water mark inside the ledger's transaction, so a repeat changes nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from pileus.core.schemas.metering import Counter, MeterReport
from pileus.metering.ledger import Ledger, Use
from pileus.metering.prices import INSTALLATION, current_price
from pileus.metering.store import Source, prices, sources
from pileus.metering.tables import COUNTERS
from pileus.security.store import project_existed
from pileus.storage.database import Database
from pileus.storage.transaction import Snapshot, Transaction

log = logging.getLogger(__name__)

MAX_COUNT = 2**53
"""A counter above it is damaged: at a million predictions a second it takes three centuries."""

COUNTED = ("requests", "predictions", "bytes_in", "bytes_out", "errors")
_BILLED = (("prediction", "predictions"), ("bytes_in", "bytes_in"), ("bytes_out", "bytes_out"))


class PredictionMeters:
    """The server's end of the gateways' meters."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    async def take(self, report: MeterReport) -> int:
        """Post what is new; the source's high-water mark, which may be above the report's."""

        def work(transaction: Transaction) -> int:
            source = sources.get(transaction, id=report.source)
            if source is None:
                source = sources.insert(
                    transaction,
                    Source(
                        id=report.source,
                        project=INSTALLATION,
                        created_at=transaction.now,
                        sequence=0,
                    ),
                )
            if report.sequence <= source.sequence:
                return source.sequence
            # The slice began when this source was last heard; the mark's row tells no time, so
            # entries of a meter span a point: the moment they were taken.
            for counter in _sound(transaction, report):
                self._take(transaction, report, counter, transaction.now)
            sources.swap(transaction, source.model_copy(update={"sequence": report.sequence}))
            return report.sequence

        return await self._database.write(work)

    def _take(
        self, transaction: Transaction, report: MeterReport, counter: Counter, now: datetime
    ) -> None:
        key = {
            "source": report.source,
            "slot": counter.slot,
            "project": counter.project,
            "token": counter.token,
            "revision": counter.revision,
            "price_id": counter.price_id,
        }
        old = transaction.get(COUNTERS, **key) or dict.fromkeys(COUNTED, 0)
        # Counters only grow; one that shrank is a damaged report and must not take money back.
        new = {name: max(int(old[name]), int(getattr(counter, name))) for name in COUNTED}
        grown = {name: new[name] - int(old[name]) for name in COUNTED}
        if not any(grown.values()):
            return
        transaction.put(COUNTERS, key | new)
        self._ledger.post(transaction, self._uses(transaction, report, counter, grown, now))

    def _uses(
        self,
        transaction: Transaction,
        report: MeterReport,
        counter: Counter,
        grown: dict[str, Any],
        now: datetime,
    ) -> list[Use]:
        return [
            Use(
                project=counter.project,
                resource=resource,
                quantity=grown[name],
                price=counter.price_id
                if resource == "prediction"
                else current_price(transaction, resource).id,
                subject=counter.revision,
                source=f"{report.source}:{counter.slot}",
                sequence=report.sequence,
                started_at=now,
                ended_at=now,
            )
            for resource, name in _BILLED
        ]


def _sound(snapshot: Snapshot, report: MeterReport) -> list[Counter]:
    """The counters that can be true. A damaged one is left out and told in the log: it must not
    keep the others of its gateway off the ledger for ever."""
    slots: set[int] = set()
    sound = []
    for counter in report.counters:
        counts = [int(getattr(counter, name)) for name in COUNTED]
        wrong = (
            "its slot is not its own"
            if counter.slot in slots or not 0 <= counter.slot <= MAX_COUNT
            else "a count is out of range"
            if not all(0 <= count <= MAX_COUNT for count in counts)
            else "its price is not in the price book"
            if prices.get(snapshot, id=counter.price_id) is None
            else "its project is not known"
            if not project_existed(snapshot, counter.project)
            else None
        )
        slots.add(counter.slot)
        if wrong is None:
            sound.append(counter)
        else:
            log.error("A counter of source %r was left out: %s: %r", report.source, wrong, counter)
    return sound
