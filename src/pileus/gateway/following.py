"""Background tasks that bring news of routes and load what they name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from pileus.core.errors import PileusError
from pileus.core.retrying import Backoff

if TYPE_CHECKING:
    from pileus.core.clock import Clock
    from pileus.gateway.link import ServerLink
    from pileus.gateway.routes import LiveRoutes

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
"""At most, for routes: a server that starts beside this process is found much sooner."""

_MAX_RETRY_SECONDS = 30.0
_ALARM_SECONDS = 3600.0


async def follow(
    routes: LiveRoutes, link: ServerLink, clock: Clock, *, poll_seconds: float
) -> None:
    """Ask for routes, for ever; the server holds each question until it has news."""
    # Whatever we knew is from before our start: ask for all of it, at once.
    after, is_away = 0, False
    alarm, backoff = _Alarm(clock), Backoff(clock, _RETRY_SECONDS)
    while True:
        try:
            document = await link.routes(after, 0.0 if after == 0 else poll_seconds)
            routes.heard(document)
        except (PileusError, ValueError) as error:
            if not is_away:
                log.warning("no news of routes: %s", error)
            # A server that comes back may have been restored to an earlier state.
            after, is_away = 0, True
            alarm.check(routes)
            await backoff.pause()
            continue
        backoff.reset()
        if is_away:
            log.info("the server answers again")
        # The server holds a question until it has news; one that does not must not make us spin.
        is_held = after > 0 and (document is None or document.seq != after)
        is_first = after == 0 and routes.seq > 0
        after, is_away = routes.seq, False
        if not is_held and not is_first:
            await clock.sleep(_RETRY_SECONDS)


class _Alarm:
    """Cries once an hour while the knowledge is stale."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cried_at: float | None = None

    def check(self, routes: LiveRoutes) -> None:
        now = self._clock.monotonic()
        if not routes.is_stale or (
            self._cried_at is not None and now - self._cried_at < _ALARM_SECONDS
        ):
            return
        self._cried_at = now
        log.error(
            "ALARM: no contact with the server for %.1f hours; revoked tokens may still be accepted",
            (routes.seconds_since_contact or 0.0) / 3600,
        )


async def keep_loaded(routes: LiveRoutes, link: ServerLink, clock: Clock) -> None:
    """Load what is wanted whenever that changes; retry what failed, ever more rarely."""
    delay = _RETRY_SECONDS
    while True:
        await routes.changed.wait()
        if await routes.load_missing(link):
            delay = _RETRY_SECONDS
            continue
        await _either(routes.changed.wait(), clock.sleep(delay))
        delay = min(2 * delay, _MAX_RETRY_SECONDS)
        routes.changed.set()


async def _either(*waits: Coroutine[Any, Any, object]) -> None:
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
