"""What holding resources for a time amounts to: processor-ms, MiB-s, GPU-ms, flavour-ms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pileus.core.schemas.jobs import Lease
from pileus.core.schemas.metering import Price
from pileus.core.schemas.resources import MILLI, Resources
from pileus.metering.ledger import Use, amount_of
from pileus.metering.prices import current_prices
from pileus.storage.transaction import Snapshot


@dataclass(frozen=True)
class Rate:
    """How fast one resource of a lease is used: units per `per_ms` milliseconds."""

    resource: str
    price_key: str
    units: int
    per_ms: int


def rates(resources: Resources) -> list[Rate]:
    """Rates of everything a lease holds."""
    found = [
        Rate("cpu", "cpu", resources.cpu_milli, MILLI),
        Rate("memory", "memory", resources.memory_mib, 1000),
    ]
    if resources.gpu_milli:
        found.append(Rate("gpu", "gpu", resources.gpu_milli, MILLI))
    found.extend(
        Rate(f"custom:{name}", "custom", amount, 1)
        for name, amount in sorted(resources.custom.items())
    )
    return found


@dataclass(frozen=True)
class Frozen:
    """What a lease pays from grant to release."""

    price_ids: dict[str, str]
    """Resource → id of its price."""

    micro_per_hour: int


def freeze_prices(snapshot: Snapshot, resources: Resources) -> Frozen:
    """The prices in force of all that a lease holds."""
    found = _current_prices(snapshot, resources)
    ids = {rate.resource: price.id for rate, price in found}
    return Frozen(ids, _amount(found, timedelta(hours=1)))


def price_of(snapshot: Snapshot, resources: Resources, held: timedelta) -> int:
    """Micro-units for a lease of so long at the prices in force; each resource rounds down."""
    return _amount(_current_prices(snapshot, resources), held)


def slice_of(lease: Lease, until: datetime) -> tuple[Lease, list[Use]]:
    """The uses of [metered_until, until) and the lease with `metered_until` advanced.

    Slices end on whole milliseconds since the lease began, and a quantity is the difference of
    two totals since then, so that how often a lease is sliced changes nothing.
    """
    if until <= lease.metered_until:
        return lease, []
    before = _milliseconds(lease.created_at, lease.metered_until)
    after = _milliseconds(lease.created_at, until)
    end = lease.created_at + timedelta(milliseconds=after)
    uses = [
        Use(
            project=lease.project,
            resource=rate.resource,
            quantity=after * rate.units // rate.per_ms - before * rate.units // rate.per_ms,
            price=lease.price_ids[rate.resource],
            subject=lease.job,
            source=lease.id,
            sequence=after,
            started_at=lease.metered_until,
            ended_at=end,
        )
        for rate in rates(lease.resources)
    ]
    return lease.model_copy(update={"metered_until": end}), uses


def cost_until(lease: Lease, until: datetime, book: Mapping[str, Price]) -> int:
    """Micro-units for a lease from its grant to `until`, at its prices; `book` has them by id.

    Each resource rounds down. The ledger carries fractions from lease to lease, so that it may have
    one micro-unit more or less of each.
    """
    _, uses = slice_of(lease.model_copy(update={"metered_until": lease.created_at}), until)
    return sum(amount_of(book[use.price], use.quantity, 0)[0] for use in uses)


def _current_prices(snapshot: Snapshot, resources: Resources) -> list[tuple[Rate, Price]]:
    wanted = rates(resources)
    found = current_prices(snapshot, {rate.price_key for rate in wanted})
    return [(rate, found[rate.price_key]) for rate in wanted]


def _amount(prices: list[tuple[Rate, Price]], held: timedelta) -> int:
    milliseconds = held // timedelta(milliseconds=1)
    return sum(
        amount_of(price, milliseconds * rate.units // rate.per_ms, 0)[0] for rate, price in prices
    )


def _milliseconds(start: datetime, end: datetime) -> int:
    return (end - start) // timedelta(milliseconds=1)
