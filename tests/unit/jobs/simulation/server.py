"""A server: engine, reaper, node service and verbs over its own way to the database.

What it does is an operation that stands at its gates (`gates.py`) until the world opens them. When
it is killed, what it held in memory is gone, and the operations stand there for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from pileus.core.errors import PileusError
from pileus.core.ids import Ids
from pileus.core.schemas.jobs import Registration
from pileus.jobs.settings import JobsSettings
from pileus.storage.database import Database
from pileus.worker.link import Registered
from tests.unit.jobs.building import Room, build
from tests.unit.jobs.simulation import quiet
from tests.unit.jobs.simulation.clocks import WorldClock
from tests.unit.jobs.simulation.gates import Gate, GatedDatabase
from tests.unit.jobs.simulation.network import Answer, Network, Request

SETTINGS = JobsSettings(retry_seconds=4)


class Operation:
    """One thing that a server does."""

    def __init__(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        self.name = name
        self.gate = Gate()
        token = Gate.current.set(self.gate)
        self.task = asyncio.create_task(work)
        Gate.current.reset(token)

    async def step(self) -> None:
        self.gate.open()
        await quiet.current().quiet()


class Server:
    """One of the servers; `build` makes it anew after a kill."""

    def __init__(
        self, directory: Path, database: Database, clock: WorldClock, ids: Ids, network: Network
    ) -> None:
        self._directory = directory
        self._database = GatedDatabase(database, clock)
        self._clock = clock
        self._ids = ids
        self._network = network
        self.operations: list[Operation] = []
        self._killed: list[Operation] = []
        self.room = self._build()

    def kill(self) -> None:
        self._killed += self.operations
        self.operations = []
        self.room = self._build()

    def do(self, name: str, work: Callable[[Room], Coroutine[Any, Any, Any]]) -> Operation:
        operation = Operation(name, self._failing(work(self.room)))
        self.operations.append(operation)
        return operation

    def serve(self, request: Request) -> Operation:
        """Take a request of a worker; its answer goes on its way when it is done."""
        request.is_taken = True

        async def work(room: Room) -> None:
            said: Any
            try:
                if isinstance(request.body, Registration):
                    node = await room.nodes.register(request.body)
                    said = Registered(
                        node=node.id,
                        lease_seconds=SETTINGS.lease_seconds,
                        fence_seconds=SETTINGS.fence_seconds,
                    )
                else:
                    said = await room.nodes.sync(*request.body, 0)
            except PileusError as error:
                said = error
            self._network.answers.append(Answer(request, said))

        return self.do(request.machine, work)

    def sweep(self) -> None:
        """Forget what is done."""
        for operation in self.operations:
            if operation.task.done():
                operation.task.result()
        self.operations = [one for one in self.operations if not one.task.done()]

    def is_doing(self, *names: str) -> bool:
        return any(operation.name in names for operation in self.operations)

    def _build(self) -> Room:
        return build(self._directory, self._clock, self._database, self._ids, SETTINGS)

    async def _failing(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except PileusError:
            return  # a refusal, or a lost connection: whoever asked hears of it
