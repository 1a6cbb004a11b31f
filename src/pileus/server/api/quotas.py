"""Quotas of projects."""

from __future__ import annotations

from fastapi.responses import Response

from pileus.core.schemas.quota import Quota, QuotaShown, QuotaTerms
from pileus.server.api import routing
from pileus.server.api.access import Operator, Use, Viewer
from pileus.server.api.paging import Listed

router = routing.router("quotas")


@router.get("/quotas")
async def list_quotas(caller: Viewer, services: Use) -> Listed[QuotaShown]:
    """Every quota and what is used of it for an operator; for others that of their project."""
    found = await services.quotas.list(None if caller.is_operator else caller.project)
    return Listed[QuotaShown](items=found, next=None)


@router.put("/quotas/{name}")
async def set_quota(name: str, body: QuotaTerms, caller: Operator, services: Use) -> Quota:
    """The quota of the project of this name from now on; what runs beyond it goes on."""
    return await services.quotas.set(caller, name, body)


@router.delete("/quotas/{name}", status_code=204)
async def remove_quota(name: str, caller: Operator, services: Use) -> Response:
    """The project of this name is not limited any more."""
    await services.quotas.remove(caller, name)
    return Response(status_code=204)
