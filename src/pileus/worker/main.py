"""Starts a worker process."""

from __future__ import annotations

import asyncio
import logging
import sys

from pileus.core.errors import PileusError
from pileus.core.status import exit_code
from pileus.worker.settings import WorkerSettings
from pileus.worker.wiring import serve


def run(settings: WorkerSettings) -> int:
    """Work until asked to stop; the process's exit code."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)  # one line per request says nothing
    try:
        asyncio.run(serve(settings))
    except PileusError as error:
        hint = f"\n{error.hint}" if error.hint else ""
        sys.stderr.write(f"{error.message}{hint}\n")
        return exit_code(error)
    return 0
