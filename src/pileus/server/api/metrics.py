"""What the server counts, as Prometheus reads it. Outside of the API's prefix, where it looks."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi.responses import Response

from pileus.core.figures import CONTENT_TYPE, exposition
from pileus.server.api import routing
from pileus.server.api.access import Scraper, Use
from pileus.server.figures import state_of

router = routing.router("metrics", prefix="", dependencies=[Scraper])


@router.get("/metrics")
async def metrics(services: Use) -> Response:
    """Figures of the server and of the whole installation."""
    database, lease_seconds = services.database, services.nodes.settings.lease_seconds
    state = await database.read(partial(state_of, lease_seconds=lease_seconds))
    readings = services.figures.readings(database.writes, state)
    # The first time it imports its library, which takes a while.
    text = await asyncio.to_thread(exposition, readings)
    return Response(text, media_type=CONTENT_TYPE)
