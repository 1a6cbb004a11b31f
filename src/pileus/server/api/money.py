"""Prices, the ledger, invoices, and the audit chain."""

from __future__ import annotations

from datetime import datetime

from pileus.core.errors import InvalidRequest
from pileus.core.schemas.base import Schema
from pileus.core.schemas.metering import Invoice, LedgerEntry, Price
from pileus.core.schemas.tenancy import AuditEvent
from pileus.metering.tables import LEDGER
from pileus.security.tables import AUDIT
from pileus.server.api import routing
from pileus.server.api.access import Admin, Operator, Use, Viewer
from pileus.server.api.paging import Listed, Paging
from pileus.storage.transaction import Where

router = routing.router("money")


class TimeWithoutZone(InvalidRequest, code="time_without_zone"):
    """A time that could mean several moments."""


class NewPrice(Schema):
    """`micro` micro-units per 10**`exponent` units."""

    micro: int
    exponent: int


@router.get("/projects/{project}/bill")
async def bill(
    caller: Viewer, services: Use, since: datetime | None = None, until: datetime | None = None
) -> Invoice:
    """The sum of the ledger over [since, until)."""
    for moment in (since, until):
        if moment is not None:
            zoned(moment)
    return await services.ledger.invoice(caller.project, since, until)


@router.get("/projects/{project}/ledger")
async def list_entries(caller: Viewer, services: Use, page: Paging) -> Listed[LedgerEntry]:
    """Entries of the project's ledger."""
    return await page.list(LEDGER, services.ledger.entries, caller.project)


@router.get("/prices")
async def list_prices(caller: Viewer, services: Use) -> Listed[Price]:
    """Prices in force."""
    del caller
    return Listed[Price](items=await services.prices.current(), next=None)


@router.put("/prices/{resource}")
async def change_price(resource: str, body: NewPrice, caller: Operator, services: Use) -> Price:
    """Another price from now on."""
    return await services.prices.change(caller, resource, body.micro, body.exponent)


@router.get("/projects/{project}/audit")
async def list_audit(caller: Admin, services: Use, page: Paging) -> Listed[AuditEvent]:
    """What principals changed, newest first."""

    async def read(project: str, where: Where, *, limit: int) -> list[AuditEvent]:
        return await services.database.read(
            lambda snapshot: services.audit.events(snapshot, project, where, limit=limit)
        )

    return await page.list(AUDIT, read, caller.project, order="descending", key="seq")


def zoned(moment: datetime) -> datetime:
    """`moment`, which means one. Raises TimeWithoutZone."""
    if moment.tzinfo is None:
        raise TimeWithoutZone(
            f"Time {moment.isoformat()!r} has no zone",
            hint=f"Write {moment.isoformat()}Z for UTC.",
        )
    return moment
