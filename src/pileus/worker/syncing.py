"""The conversation with the server: register, report, take orders; for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from pileus.core.clock import Clock
from pileus.core.errors import NotFound, PileusError
from pileus.core.retrying import Backoff
from pileus.core.schemas.jobs import NodeOrders, NodeReport, Registration
from pileus.worker.attempts import Attempts
from pileus.worker.link import Registered, ServerLink

log = logging.getLogger(__name__)

_BEGINNING_SECONDS = 0.05
"""What was ordered says within this time that it runs or has ended; a question before would be given up
for that."""

_PACE_SECONDS = 0.005
"""Between two questions at least: where many attempts end, each answer is about all of them."""


class Syncing:
    """Keeps server and node of one mind. The server may be away for as long as it likes."""

    def __init__(
        self,
        link: ServerLink,
        attempts: Attempts,
        present: Callable[[], Registration],
        clock: Clock,
        wait_seconds: float,
        retry_seconds_max: float,
    ) -> None:
        self._link = link
        self._attempts = attempts
        self._present = present
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._backoff = Backoff(clock, retry_seconds_max)
        self._registered: Registered | None = None
        self._seen = 0
        self._asked_at = 0.0
        self._is_away = False

    @property
    def node(self) -> str | None:
        """Id of this node, while the server is thought to know it."""
        return None if self._registered is None else self._registered.node

    async def run(self) -> None:
        """Never returns."""
        while True:
            try:
                if self._registered is None:
                    await self._register()
                else:
                    await self._sync(self._registered)
            except NotFound as error:
                log.warning("the server does not know this node: %s", error)
                self._registered = None
                await self._backoff.pause()
            except PileusError as error:
                if not self._is_away:
                    log.warning("%s", error)
                self._is_away = True
                await self._backoff.pause()
            else:
                self._backoff.reset()
                if self._is_away:
                    log.info("the server answers again")
                self._is_away = False

    async def _register(self) -> None:
        sent_ms = _ms(self._clock.monotonic())
        registration = self._present().model_copy(update={"sent_ms": sent_ms})
        self._registered = await self._link.register(registration)
        self._seen = 0
        log.info("registered as %s (%s)", registration.name, self._registered.node)

    async def _sync(self, registered: Registered) -> None:
        await self._clock.sleep(max(0.0, self._asked_at + _PACE_SECONDS - self._clock.monotonic()))
        reported = self._attempts.report()
        present = self._present()
        self._asked_at = asked_at = self._clock.monotonic()
        report = NodeReport(
            boot_id=present.boot_id,
            seen=self._seen,
            clock=self._clock.now(),
            version=present.version,
            sent_ms=_ms(asked_at),
            attempts=reported,
        )
        # A lease must be renewed well before it runs out.
        wait = min(self._wait_seconds, registered.lease_seconds / 3)
        orders = await self._unless_news(self._link.sync(registered.node, report, wait))
        if orders is None:
            return
        self._seen = orders.version
        if self._attempts.apply(orders, reported, registered.fence_seconds, asked_at):
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEGINNING_SECONDS):
                    await self._attempts.news.wait()

    async def _unless_news(self, asking: object) -> NodeOrders | None:
        """The orders, or None when there is news of ours to report first.

        A question that is given up does no harm: orders not seen are sent again.
        """
        question: asyncio.Task[NodeOrders] = asyncio.ensure_future(asking)  # type: ignore[call-overload]
        news = asyncio.create_task(self._attempts.news.wait())
        try:
            await asyncio.wait({question, news}, return_when=asyncio.FIRST_COMPLETED)
            if question.done():
                return question.result()
            return None
        finally:
            for task in (question, news):
                task.cancel()
            with suppress(asyncio.CancelledError, PileusError):
                await question


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
