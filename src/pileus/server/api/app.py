"""The FastAPI application: routers, error handlers, and what surrounds them."""

from __future__ import annotations

import asyncio
import re

from fastapi import APIRouter, FastAPI

from pileus import __version__
from pileus.core.ids import NewId
from pileus.server.api import (
    blobs,
    code,
    datasets,
    deletion,
    endpoints,
    errors,
    gateways,
    health,
    jobs,
    keys,
    metrics,
    models,
    money,
    nodes,
    pipelines,
    projects,
    quotas,
    schedules,
    secrets,
    usage,
)
from pileus.server.api.bounded import BoundedBody
from pileus.server.api.interrupting import Interrupting
from pileus.server.api.observing import Observing
from pileus.server.api.request_id import RequestId
from pileus.server.api.routing import PREFIX
from pileus.server.services import Services

ANONYMOUS = {f"{PREFIX}/health", "/openapi.json"}
"""Paths that need no token; every other one does."""

_UPLOAD = re.compile(
    rf"^{PREFIX}/(projects/[^/]+/blobs/[0-9a-f]{{64}}|attempts/[^/]+/streams/std(out|err)(\.times)?)$"
)
"""What is written as it comes: blobs, and logs with their times."""

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    projects.router,
    blobs.router,
    code.router,
    datasets.router,
    jobs.router,
    pipelines.router,
    schedules.router,
    models.router,
    endpoints.router,
    money.router,
    nodes.router,
    gateways.router,
    keys.router,
    deletion.router,
    quotas.router,
    secrets.router,
    usage.router,
    metrics.router,
)


def create_app(services: Services, new_id: NewId, max_body_bytes: int) -> FastAPI:
    """The application over `services`; setting `app.state.stopping` ends its long polls."""
    app = FastAPI(
        title="Pileus",
        version=__version__,
        summary="The AI cloud you own.",
        # Its pages load scripts from a public network, which an installation may not reach.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=[route for router in ROUTERS for route in router.routes],
    )
    app.state.services = services
    errors.install(app)
    app.state.stopping = asyncio.Event()
    app.add_middleware(Interrupting, stopping=app.state.stopping)
    app.add_middleware(BoundedBody, is_upload=_is_upload, max_body_bytes=max_body_bytes)
    app.add_middleware(Observing)
    app.add_middleware(RequestId, new_id=new_id)
    return app


def _is_upload(path: str) -> bool:
    return _UPLOAD.match(path) is not None
