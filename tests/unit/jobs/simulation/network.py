"""What is on its way between workers and servers. A message leaves only when the world says so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from pileus.core.errors import PileusError
from pileus.core.schemas.jobs import NodeOrders, NodeReport, Registration
from pileus.sdk.link import TIMEOUT_SECONDS, ServerAway
from pileus.worker.link import Registered
from tests.unit.jobs.simulation import quiet
from tests.unit.jobs.simulation.clocks import NodeClock

_LATE_MOST = 6
"""Requests kept that their sender has given up."""


@dataclass
class Request:
    """A question of a worker. Whoever asked may have given up, or be dead."""

    machine: str
    body: Registration | tuple[str, NodeReport]
    reply: asyncio.Future[Any]
    deadline: float
    is_taken: bool = False
    """A server has it."""


@dataclass
class Answer:
    """What a server said to a request."""

    request: Request
    said: Registered | NodeOrders | PileusError

    def arrive(self) -> None:
        if self.request.reply.done():
            return
        if isinstance(self.said, PileusError):
            self.request.reply.set_exception(self.said)
        else:
            self.request.reply.set_result(self.said)


class Network:
    """Requests and answers in flight."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[Answer] = []
        self._asked: list[Request] = []

    def send(self, request: Request) -> None:
        self.requests.append(request)
        self._asked.append(request)
        late = [one for one in self.requests if one.reply.done()]
        for one in late[:-_LATE_MOST]:
            self.requests.remove(one)

    def drop(self, machine: str) -> None:
        """The machine is gone, and its connections with it."""
        self.requests = [one for one in self.requests if one.machine != machine]
        self.answers = [one for one in self.answers if one.request.machine != machine]

    def asked_by(self, machine: str) -> Request | None:
        """What the machine's worker waits for."""
        waiting = [r for r in self.requests if r.machine == machine and not r.reply.done()]
        return waiting[-1] if waiting else None

    def time_out(self, now: float) -> None:
        """Clients give up; what they asked may still arrive."""
        self._asked = [request for request in self._asked if not request.reply.done()]
        for request in self._asked:
            if now >= request.deadline:
                request.reply.set_exception(ServerAway("The server does not answer"))


class Link:
    """The worker's `ServerLink`. Streams, blobs and what attempts use are no part of this world:
    nothing is written."""

    def __init__(self, network: Network, machine: str, clock: NodeClock) -> None:
        self._network = network
        self._machine = machine
        self._clock = clock
        self.is_dead = False

    async def register(self, registration: Registration) -> Registered:
        return await self._ask(registration, TIMEOUT_SECONDS)

    async def sync(self, node: str, report: NodeReport, wait_seconds: float) -> NodeOrders:
        return await self._ask((node, report), TIMEOUT_SECONDS + wait_seconds)

    async def tell_usage(self, node: str, report) -> None: ...

    async def projects(self) -> frozenset[str]:
        return frozenset()

    async def append(self, attempt: str, stream: str, offset: int, pieces) -> int:
        return offset + sum([len(piece) async for piece in pieces])

    async def missing(self, project: str, digests) -> list[str]:
        return []

    async def secrets(self, project: str, job: str, token: str):
        return ()

    async def put_blob(self, project: str, artifact, path) -> None: ...

    async def blob(self, project: str, digest: str):
        for _ in ():
            yield b""

    async def _ask(self, body, seconds: float):
        loop = quiet.current()
        if self.is_dead:
            await loop.never()
        reply = loop.create_future()
        deadline = self._clock.monotonic() + seconds
        self._network.send(Request(self._machine, body, reply, deadline))
        return await reply
