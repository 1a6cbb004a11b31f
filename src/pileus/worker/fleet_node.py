"""An actor on a node of a Ray cluster: the same worker that any machine has, until it is told to leave."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pileus
from pileus.compute import inventory
from pileus.compute.executor import Executor
from pileus.compute.executors.ray import RayExecutor
from pileus.core.errors import PileusError
from pileus.core.logs import setup
from pileus.core.logs.settings import LogsSettings
from pileus.core.schemas.jobs import Registration
from pileus.core.schemas.resources import Capacity
from pileus.worker.held import GONE
from pileus.worker.http_link import HttpServerLink
from pileus.worker.link import ServerLink
from pileus.worker.settings import WorkerSettings
from pileus.worker.wiring import Place, locked, working

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_LAST_LOOKS = 10


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

    def __init__(self, settings: dict[str, Any], token: str, offer: dict[str, Any]) -> None:
        """`settings` and `offer` are plain documents, which any version of us can be sent."""
        self._settings = WorkerSettings.model_validate(settings)
        self._token = token
        self._offer = Offer(**offer)
        self._work: asyncio.Task[None] | None = None

    async def attend(self) -> str:
        """Work, if it does not yet; the version that does. Raises what has ended the work."""
        if self._work is None:
            home = self._settings.home.expanduser()
            setup.start("worker", home / "logs", LogsSettings())
            self._work = asyncio.create_task(self._serve(home))
        if self._work.done():
            self._work.result()
        return pileus.__version__

    async def leave(self) -> None:
        """Stop working. Attempts are left alone."""
        if self._work is not None:
            self._work.cancel()
            with suppress(asyncio.CancelledError):
                await self._work

    async def _serve(self, home: Path) -> None:
        settings = self._settings.model_copy(update={"home": home})
        with locked(settings.directory):
            link = HttpServerLink(settings.server_url, lambda: self._token)
            place = _OnRay(self._offer)
            async with link, working(settings, link, place) as task:
                orphaned = asyncio.create_task(_orphaned())
                await asyncio.wait({task, orphaned}, return_when=asyncio.FIRST_COMPLETED)
                orphaned.cancel()
                if not task.done():
                    log.warning(
                        "The raylet of this node is gone: its attempts are ended, and we go"
                    )
                    await self._give_up(link, place, settings.directory / "attempts")
                    os._exit(1)
                task.result()

    async def _give_up(self, link: ServerLink, place: _OnRay, root: Path) -> None:
        """End the attempts, and wait until the server has heard of it: they are tried again elsewhere
        at once, and need not wait for fences. Those hold where the server is not heard."""
        attempts = _directories(root)
        with suppress(PileusError):
            await link.register(self._nothing_to_offer({path.name for path in attempts}))
        place.end_all(attempts)
        for _ in range(_LAST_LOOKS):
            await asyncio.sleep(_LOOK_SECONDS)
            if not _directories(root):
                return

    def _nothing_to_offer(self, holding: Collection[str]) -> Registration:
        """So that nothing more is granted to this node."""
        return Registration(
            name=self._settings.node_name,
            boot_id=inventory.boot_id(),
            capacity=Capacity(cpu_milli=0, memory_mib=0),
            pid=os.getpid(),
            version=pileus.__version__,
            holding=tuple(sorted(holding)),
        )


def _directories(attempts: Path) -> list[Path]:
    """Of attempts that the server has not told to forget."""
    return [path for path in attempts.iterdir() if not path.name.startswith(GONE)]


async def _orphaned() -> None:
    """Return when the raylet that started this process has gone, which Ray itself may not notice."""
    raylet = os.getppid()
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if os.getppid() != raylet:
            return


class _OnRay(Place):
    """A part of a machine, which Ray gives out to others as well."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._here: Executor | None = None
        self._executor: RayExecutor | None = None

    def executor(self, here: Executor) -> Executor:
        self._here = here
        self._executor = RayExecutor(here, self._offer.node)
        return self._executor

    def end_all(self, attempts: Collection[Path]) -> None:
        """End what runs, and start nothing more."""
        if self._executor is not None:
            self._executor.refuses = "Ray has gone from this node"
        for directory in attempts:
            if self._here is not None:
                self._here.kill(directory)

    def capacity(self, found: Capacity) -> Capacity:
        offer = self._offer
        return found.model_copy(
            update={
                "cpu_milli": offer.cpu_milli,
                "memory_mib": min(found.memory_mib, offer.memory_mib),
                "devices": found.devices[: offer.gpus],
            }
        )

    async def recover(self, attempts: Collection[str]) -> None:
        if self._executor is not None:
            await self._executor.recover(attempts)
