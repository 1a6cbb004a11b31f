"""Starts a gateway process. Imports nothing heavy until the environment is set."""

from __future__ import annotations

import logging
import sys

from pileus.core.errors import PileusError
from pileus.core.status import exit_code
from pileus.gateway.settings import GatewaySettings, single_threaded_math

log = logging.getLogger(__name__)


def run(settings: GatewaySettings) -> int:
    """Serve until asked to stop; the process's exit code."""
    single_threaded_math()
    from pileus.gateway.wiring import serve  # imports NumPy, whose threads are set by now

    try:
        serve(settings)
    except PileusError as error:
        # Marked, so that the supervisor takes the message for the last words, and not the hint.
        hint = f"\nHint: {error.hint}" if error.hint else ""
        log.critical("%s", error.message)
        sys.stderr.write(f"{error.message}{hint}\n")
        return exit_code(error)
    return 0
