"""Is it up, and who am I."""

from __future__ import annotations

from pileus import __version__
from pileus.core.schemas.tenancy import Caller
from pileus.server.api import routing
from pileus.server.api.access import Use, Viewer

router = routing.router("health")


@router.get("/health")
async def health(services: Use) -> dict[str, str]:
    """Ready when the database answers. Anonymous."""
    await services.database.glance(lambda snapshot: snapshot.last_change())
    return {"state": "ready", "version": __version__}


@router.get("/me")
async def me(caller: Viewer) -> Caller:
    """The principal behind the token."""
    return caller
