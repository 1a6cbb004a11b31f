"""A server as the worker's link sees it, in memory."""

import asyncio
import base64
import contextlib
import hashlib

from pileus.core.errors import InvalidRequest, NotFound, Unavailable
from pileus.core.schemas.jobs import AttemptSpec, DesiredAttempt, InputFile, NodeOrders
from pileus.core.schemas.resources import Resources
from pileus.core.schemas.secrets import SecretValue
from pileus.worker.link import Registered


def digest_of(content):
    return hashlib.sha256(content).hexdigest()


def make_spec(attempt="att_1", **fields):
    return AttemptSpec(
        **{
            "attempt": attempt,
            "job": "job_1",
            "project": "default",
            "number": 1,
            "command": ("true",),
            "recipe_entry": None,
            "environment": "plain",
            "env": {},
            "inputs": (),
            "params": {},
            "resources": Resources(),
            "timeout_seconds": None,
            "grace_seconds": 5.0,
        }
        | fields
    )


def make_order(attempt="att_1", *command, **fields):
    spec = make_spec(attempt, **({"command": command} if command else {}) | fields)
    return DesiredAttempt(
        id=attempt,
        job=spec.job,
        project=spec.project,
        lease_token=f"lease-of-{attempt}",
        expires_in_seconds=30.0,
        desired="run",
        token="pla_secret",
        spec=spec,
    )


def named(code, error):
    """An error as a client has it: the family, with the server's code."""
    error.code = code
    return error


async def pieces(*data):
    """What a worker sends of a stream."""
    for piece in data:
        yield piece


class FakeServer:
    """Holds orders, streams and blobs; away when told so. Implements `ServerLink`."""

    def __init__(self, fence_seconds=600.0):
        self.orders = {}
        self.reports = {}
        self.ended = {}
        self.streams = {}
        self.blobs = {}
        self.registrations = []
        self.usage = []
        self.is_away = False
        self.knows_node = True
        self.refuses_blobs = None
        self.project_ids = frozenset({"default"})
        self.secret_values = {}
        self.fence_seconds = fence_seconds
        self._version = 1
        self._changed = asyncio.Event()

    # --- what a test does

    def order(self, order):
        self.orders[order.id] = order
        self._change()

    def stop(self, attempt, reason="cancel"):
        update = {"desired": "stop", "stop_reason": reason}
        self.orders[attempt] = self.orders[attempt].model_copy(update=update)
        self._change()

    def withdraw(self, attempt):
        del self.orders[attempt]
        self._change()

    def add_blob(self, path, content):
        self.blobs[digest_of(content)] = content
        return InputFile(path=path, digest=digest_of(content), size=len(content))

    async def until(self, condition, seconds=10.0):
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110  what is waited for happens in other processes
                await asyncio.sleep(0.01)

    async def end_of(self, attempt):
        await self.until(lambda: attempt in self.ended)
        return self.ended[attempt]

    async def until_running(self, attempt):
        await self.until(lambda: attempt in self.reports)

    def stream(self, attempt, name="stdout"):
        return bytes(self.streams.get((attempt, name), b""))

    # --- what the worker asks

    async def register(self, registration):
        self._answer()
        self.registrations.append(registration)
        self.knows_node = True
        return Registered(node="nod_1", lease_seconds=30.0, fence_seconds=self.fence_seconds)

    async def tell_usage(self, node, report):
        self._answer()
        self.usage.append(report)

    async def sync(self, node, report, wait_seconds):
        self._answer()
        if not self.knows_node:
            raise NotFound(f"Node {node!r} is not registered")
        self.reports = {said.id: said for said in report.attempts}
        forget = []
        for said in report.attempts:
            if said.state == "ended" and said.id in self.orders:
                self.ended[said.id] = said
                del self.orders[said.id]
                self._change()
            if said.id not in self.orders:
                forget.append(said.id)
        if report.seen == self._version and not forget:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait_seconds)
        self._answer()
        return NodeOrders(
            version=self._version,
            draining=False,
            attempts=tuple(self.orders.values()),
            forget=tuple(forget),
        )

    async def projects(self):
        if self.is_away:
            raise Unavailable("away")
        return self.project_ids

    async def append(self, attempt, stream, offset, pieces):
        self._answer()
        data = b"".join([piece async for piece in pieces])
        held = self.streams.setdefault((attempt, stream), bytearray())
        if offset > len(held):
            raise InvalidRequest(f"Offset {offset} is beyond the end, which is {len(held)}")
        held += data[len(held) - offset :]
        return len(held)

    async def secrets(self, project, job, token):
        self._answer()
        assert token == "pla_secret"
        if not self.secret_values:
            raise named("secret_not_found", NotFound("Secret 'A' not found"))
        return [
            SecretValue(name=name, base64=base64.b64encode(value).decode())
            for name, value in self.secret_values.items()
        ]

    async def missing(self, project, digests):
        self._answer()
        return [digest for digest in digests if digest not in self.blobs]

    async def put_blob(self, project, artifact, path):
        self._answer()
        if self.refuses_blobs is not None:
            raise self.refuses_blobs
        self.blobs[artifact.digest] = await asyncio.to_thread(path.read_bytes)

    async def blob(self, project, digest):
        self._answer()
        if digest not in self.blobs:
            raise NotFound(f"Blob {digest!r} not found")
        content = self.blobs[digest]
        for start in range(0, len(content), 3):
            yield content[start : start + 3]

    def _answer(self):
        if self.is_away:
            raise Unavailable("The server is away")

    def _change(self):
        self._version += 1
        self._changed.set()
