"""Lets an installation come to rest before it stops: running jobs checkpoint and are requeued."""

from __future__ import annotations

import time
from collections.abc import Callable

from pileus.core.errors import PileusError
from pileus.sdk import Client

_EVERY_SECONDS = 0.2
_OPEN = ("running", "queued", "waiting")


def drain(client: Client, grace_seconds: float, note: Callable[[str], None]) -> bool:
    """Requeue what runs and wait for it to stop; whether it did within `grace_seconds`."""
    try:
        # Asking again changes nothing; the answer counts what still runs, in all projects.
        return _settled(grace_seconds, lambda: not client.installation.drain()["running"])
    except PileusError as error:
        note(f"Running jobs could not be requeued: {error.message}")
        return False


def wait_for_jobs(client: Client) -> None:
    """Until no job of the client's project waits or runs."""
    _settled(float("inf"), lambda: not any(_has(client, status) for status in _OPEN))


def _has(client: Client, status: str) -> bool:
    return next(client.jobs.list(status=status), None) is not None


def _settled(seconds: float, is_done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            return False
        time.sleep(_EVERY_SECONDS)
    return True
