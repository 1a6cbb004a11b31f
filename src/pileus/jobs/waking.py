"""Waits for the change feed to tell of something that a caller acts on; the rest wakes nobody."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pileus.core.clock import Clock
from pileus.storage.database import Database
from pileus.storage.transaction import Change, Snapshot

IsNews = Callable[[Change], bool]


async def wait_for_news(
    database: Database, clock: Clock, after: int, is_news: IsNews, seconds: float
) -> int:
    """How far the feed was looked at: to the first news after `after`, or for `seconds` without any."""
    deadline = clock.monotonic() + seconds
    while (left := deadline - clock.monotonic()) > 0:
        if await database.wait(after, left) <= after:
            break
        after, found = await look(database, after, is_news)
        if found:
            break
    return after


async def look(
    database: Database, after: int, is_news: IsNews, at_least: int = 0
) -> tuple[int, bool]:
    """The end of the feed, and whether anything after `after` is news.

    What this process has written itself is remembered, and not read again; the feed is where it is not known
    to have come as far as `at_least`, which somebody says to have seen.
    """
    recent = database.recent(after)
    end = recent[-1].seq if recent else after
    if recent is None or end < at_least:
        return await database.read(partial(_read, after=after, is_news=is_news))
    return end, any(map(is_news, recent))


def _read(snapshot: Snapshot, after: int, is_news: IsNews) -> tuple[int, bool]:
    """What was trimmed from the feed meanwhile may have been news: a gap is."""
    found = False
    while changes := snapshot.changes(after):
        found = found or changes[0].seq != after + 1 or any(is_news(one) for one in changes)
        after = changes[-1].seq
    return after, found
