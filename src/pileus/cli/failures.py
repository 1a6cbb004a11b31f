"""How an error leaves a process: in the log if it keeps one, to whoever asked, as an exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pileus.core.errors import PileusError

if TYPE_CHECKING:
    from pileus.cli.session import Session


def fail(session: Session, error: PileusError, cause: Exception | None = None) -> int:
    """Tell of an error; the exit code. Only `--debug` and logs let a traceback through."""
    from pileus.core.status import exit_code  # only when failing

    if session.debug or (cause is not None and session.writes_log):
        import traceback  # only when failing

        from pileus.core.logs.redaction import redacted  # only when failing

        # Stderr may be a file that is kept.
        sys.stderr.write(redacted("".join(traceback.format_exception(cause or error))))
    if session.writes_log:
        import logging  # only when failing

        logging.getLogger(__name__).critical("%s", error.message, exc_info=cause)
    session.output.error(error)
    return exit_code(error)


def fail_by_bug(session: Session, error: Exception) -> int:
    """The same for an error that nobody foresaw."""
    told = PileusError(
        f"Internal error: {type(error).__name__}: {error}",
        hint="Repeat the command with --debug and report what it prints.",
    )
    return fail(session, told, error)
