"""A worker whose attempts only wait: it speaks the workers' protocol and starts no process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from pileus.core.errors import Unavailable
from pileus.core.schemas.jobs import (
    AttemptReport,
    DesiredAttempt,
    NodeOrders,
    NodeReport,
    Registration,
)
from pileus.core.schemas.resources import Capacity
from pileus.worker.link import ServerLink

COMMAND = "sleep"
"""The command of a timer; its one argument is how long it runs, in seconds."""

_WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 0.2
_EXITED = {"schema": 1, "code": 0, "reason": "exited"}
_STOPPED = {"schema": 1, "code": None, "signal": 15, "reason": "preempt"}


class Timers:
    """The attempts of one node: each ends when its time is over, or when it is asked to stop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running: dict[str, tuple[float, AttemptReport]] = {}
        """Attempt → when its time is over, and what to say until then."""

        self._ended: dict[str, AttemptReport] = {}

    def report(self) -> tuple[AttemptReport, ...]:
        """What to tell the server of each."""
        now = self._clock()
        for attempt, (ends_at, said) in list(self._running.items()):
            if ends_at <= now:
                self._end(attempt, said, _EXITED)
        return (*(said for _, said in self._running.values()), *self._ended.values())

    def apply(self, orders: NodeOrders) -> None:
        """Start what is new, stop what shall stop, and forget what has been recorded."""
        for attempt in orders.forget:
            self._ended.pop(attempt, None)
        for order in orders.attempts:
            if order.id in self._ended:
                continue
            if order.id not in self._running:
                self._start(order)
            if order.desired == "stop":
                self._end(order.id, self._running[order.id][1], _STOPPED)

    def seconds_left(self) -> float:
        """Until there is something to report: another end, or that the node still answers."""
        left = [ends_at - self._clock() for ends_at, _ in self._running.values()]
        return max(0.0, min(left, default=_WAIT_SECONDS))

    def _start(self, order: DesiredAttempt) -> None:
        if order.spec.command is None or order.spec.command[0] != COMMAND:
            raise ValueError(f"attempt {order.id!r} is no timer: {order.spec.command!r}")
        said = AttemptReport(
            id=order.id,
            lease_token=order.lease_token,
            state="running",
            started_at=datetime.now(tz=UTC),
        )
        self._running[order.id] = (self._clock() + float(order.spec.command[1]), said)

    def _end(self, attempt: str, said: AttemptReport, done: Mapping[str, object]) -> None:
        del self._running[attempt]
        self._ended[attempt] = said.model_copy(update={"state": "ended", "exit": done})


async def run_node(link: ServerLink, name: str, cpus: int) -> None:
    """Be a node of so many processors until cancelled."""
    boot_id = f"boot-{name}"
    capacity = Capacity(cpu_milli=cpus * 1000, memory_mib=cpus * 1024)
    registered = await link.register(
        Registration(name=name, boot_id=boot_id, capacity=capacity, pid=1, version="timers")
    )
    timers, seen = Timers(), 0
    while True:
        report = NodeReport(
            boot_id=boot_id,
            seen=seen,
            sent_ms=int(time.monotonic() * 1000),
            attempts=timers.report(),
        )
        wait = min(timers.seconds_left(), _WAIT_SECONDS)
        try:
            orders = await link.sync(registered.node, report, wait)
        except Unavailable:  # it has much to do, and what was not heard is said again
            await asyncio.sleep(_PAUSE_SECONDS)
            continue
        timers.apply(orders)
        seen = orders.version
