"""An actor on a node of a Ray cluster: the same worker that any machine has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import pileus
from pileus.compute.executor import Executor
from pileus.compute.executors.ray import RayExecutor
from pileus.core.logs import setup
from pileus.core.logs.settings import LogsSettings
from pileus.core.schemas.resources import Capacity
from pileus.worker.http_link import HttpServerLink
from pileus.worker.place import Place
from pileus.worker.settings import WorkerSettings
from pileus.worker.wiring import locked, working

log = logging.getLogger(__name__)


class Offer(NamedTuple):
    """A node of the cluster, and what Ray gives out of it."""

    node: str
    """Ray's id of it."""

    host: str
    cpu_milli: int
    memory_mib: int
    gpus: int


class FleetNode:
    """The worker of one node. Its attempts outlive it for as long as their leases do."""

    def __init__(self, settings: dict[str, Any], offer: dict[str, Any]) -> None:
        """Plain documents: Ray keeps them for as long as the actor is there, so no secret is in them."""
        self._settings = WorkerSettings.model_validate(settings)
        self._token = ""
        self._offer = Offer(**offer)
        self._work: asyncio.Task[None] | None = None

    async def attend(self, token: str) -> str:
        """Work, if it does not yet, with this token; the version that does. Raises what has ended
        the work."""
        self._token = token
        if self._work is None:
            home = self._settings.home.expanduser()
            setup.start("worker", home / "logs", LogsSettings())
            self._work = asyncio.create_task(self._serve(home))
        if self._work.done():
            self._work.result()
        return pileus.__version__

    async def _serve(self, home: Path) -> None:
        settings = self._settings.model_copy(update={"home": home})
        with locked(settings.directory):
            link = HttpServerLink(settings.server_url, lambda: self._token)
            async with link, working(settings, link, _OnRay(self._offer)) as task:
                await task


class _OnRay(Place):
    """A part of a machine, which Ray gives out to others as well."""

    runners_outlive_us = True
    """Ray ends the children of an actor that it ends."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._executor: RayExecutor | None = None

    def executor(self, here: Executor) -> Executor:
        self._executor = RayExecutor(here, self._offer.node)
        return self._executor

    def capacity(self, found: Capacity) -> Capacity:
        offer, devices = self._offer, found.devices
        if offer.gpus != len(devices):
            # Which of them are Ray's, and which those of another node on the machine?
            log.warning(
                "Ray has %d GPUs and the machine %d: none is used", offer.gpus, len(devices)
            )
            devices = ()
        return found.model_copy(
            update={
                "cpu_milli": offer.cpu_milli,
                "memory_mib": min(found.memory_mib, offer.memory_mib),
                "devices": devices,
            }
        )

    async def recover(self, attempts: Collection[str]) -> None:
        if self._executor is not None:
            await self._executor.recover(attempts)
