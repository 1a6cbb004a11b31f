"""Reads a stream of a job, waiting a little for what is not there yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime

from pileus.core.clock import SystemClock
from pileus.core.schemas.jobs import Attempt, Job
from pileus.core.schemas.tenancy import Caller
from pileus.jobs.waking import look, wait_for_news
from pileus.server.services import Services
from pileus.storage.blobs.receiving import once
from pileus.storage.transaction import Change
from pileus.tracking.searching import last, matching
from pileus.tracking.streams import LOGS, Chunk, check_name
from pileus.tracking.timed import Log, Wanted, start_of, timed

LOOK_SECONDS = 0.05
"""Appending is no event of the database: what another server is sent is found by looking."""


async def follow(
    services: Services,
    caller: Caller,
    job_id: str,
    attempt_id: str | None,
    stream: str,
    offset: int,
    wait_seconds: float,
    since: datetime | None = None,
    rank: int = 0,
) -> tuple[Chunk, str]:
    """The next bytes of a stream and whose they are; final once the job can write no more.

    With `since`, none of the lines of a log that are known to be from before.

    Raises StreamUnknown, JobNotFound, AttemptNotFound.
    """
    check_name(stream)
    clock = SystemClock()
    deadline = clock.monotonic() + wait_seconds
    seen, is_news = await services.database.wait(0, 0), True
    attempt: Attempt | None = None

    def changes_it(change: Change) -> bool:
        return change.id == job_id or (attempt is not None and change.id == attempt.id)

    while True:
        # Statuses are events of the database: they are read again when it tells of one of these.
        if is_news:
            job, attempt = await services.jobs.attempt(caller.project, job_id, attempt_id, rank)
        growth = services.streams.growth(attempt.id) if attempt else None
        if since is not None and attempt is not None and stream in LOGS:
            log = Log(caller.project, attempt.id, stream)
            offset, since = max(offset, await start_of(services.streams, log, since)), None
        chunk = await _read(services, caller, job, attempt, stream, offset)
        if chunk.data or chunk.is_final or clock.monotonic() >= deadline:
            return chunk, attempt.id if attempt else ""
        if growth is None:
            left = deadline - clock.monotonic()
            seen = await wait_for_news(services.database, clock, seen, changes_it, left)
            is_news = True
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await growth.wait()
            seen, is_news = await look(services.database, seen, changes_it)


async def search(
    services: Services,
    caller: Caller,
    job_id: str,
    attempt_id: str | None,
    stream: str,
    text: bytes,
    most: int | None,
    wanted: Wanted,
    rank: int = 0,
) -> AsyncIterator[bytes]:
    """Lines of a log that are wanted and contain `text`, at most the last `most` of them.

    Raises StreamUnknown, JobNotFound, AttemptNotFound, at once.
    """
    check_name(stream)
    _, attempt = await services.jobs.attempt(caller.project, job_id, attempt_id, rank)
    if attempt is None:
        return once(b"")
    if wanted.needs_times:
        pieces = timed(services.streams, Log(caller.project, attempt.id, stream), wanted)
    else:
        pieces = services.streams.pieces(caller.project, attempt.id, stream)
    found = matching(pieces, text, wanted.mark_bytes)
    return found if most is None else once(await last(found, most))


async def _read(
    services: Services,
    caller: Caller,
    job: Job,
    attempt: Attempt | None,
    stream: str,
    offset: int,
) -> Chunk:
    if attempt is None:
        return Chunk(b"", offset, is_final=job.status.is_final)
    # The status was read before the bytes: an attempt that had ended then writes no more.
    chunk = await services.streams.read(caller.project, attempt.id, stream, offset)
    if chunk.data:
        return chunk
    return Chunk(b"", offset, is_final=attempt.status.is_final)
