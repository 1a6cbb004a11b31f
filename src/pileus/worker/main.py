"""Starts a worker process."""

from __future__ import annotations

import asyncio
import logging
import sys

from pileus.core.errors import PileusError
from pileus.core.status import exit_code
from pileus.worker.settings import WorkerSettings
from pileus.worker.wiring import serve

log = logging.getLogger(__name__)


def run(settings: WorkerSettings) -> int:
    """Work until asked to stop; the process's exit code."""
    try:
        asyncio.run(serve(settings))
    except PileusError as error:
        # Marked, so that the supervisor takes the message for the last words, and not the hint.
        hint = f"\nHint: {error.hint}" if error.hint else ""
        log.critical("%s", error.message)
        sys.stderr.write(f"{error.message}{hint}\n")
        return exit_code(error)
    return 0
