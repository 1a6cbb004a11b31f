"""Lets go of what was cached for deleted projects, now and then."""

from __future__ import annotations

import logging

from pileus.core.clock import Clock
from pileus.core.errors import PileusError
from pileus.worker.cache import BlobCache

log = logging.getLogger(__name__)

FORGET_SECONDS = 3600.0


async def keep_forgetting(cache: BlobCache, clock: Clock) -> None:
    """Never returns. The server may be away: the next time will do."""
    while True:
        try:
            if gone := await cache.forget_deleted():
                log.info("removed what was cached for %d deleted projects", gone)
        except (PileusError, OSError) as error:
            log.warning("the cache keeps what it may have of deleted projects: %s", error)
        await clock.sleep(FORGET_SECONDS)
