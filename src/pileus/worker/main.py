"""Starts a worker process."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import sys

import uvloop

from pileus.core.errors import PileusError
from pileus.core.status import exit_code
from pileus.worker.errors import RayMissing
from pileus.worker.settings import WorkerSettings
from pileus.worker.wiring import serve

log = logging.getLogger(__name__)


def run(settings: WorkerSettings) -> int:
    """Work until asked to stop; the process's exit code."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings))
    except PileusError as error:
        # Marked, so that the supervisor takes the message for the last words, and not the hint.
        hint = f"\nHint: {error.hint}" if error.hint else ""
        log.critical("%s", error.message)
        sys.stderr.write(f"{error.message}{hint}\n")
        return exit_code(error)
    return 0


async def _serve(settings: WorkerSettings) -> None:
    """Raises what either way to serve raises, or RayMissing."""
    if settings.executor == "process":
        await serve(settings)
        return
    if importlib.util.find_spec("ray") is None:
        raise RayMissing(
            "The worker's executor is 'ray', and Ray is not installed",
            hint="Install it with: pip install 'pileus[ray]', of the version that the cluster has",
        )
    from pileus.worker import fleet  # Ray takes a second and 100 MB

    await fleet.serve(settings)
