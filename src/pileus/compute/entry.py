"""
Runs the `main(attempt)` of a module as the process of an attempt.

`python -m pileus.compute.entry MODULE` where there is no zygote; a zygote's fork calls `run`.
A `main` that returns has succeeded, unless it said otherwise; one that raises has failed.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import TYPE_CHECKING

from pileus.compute.layout import ATTEMPT_MODULES
from pileus.core.errors import PileusError
from pileus.core.failpoints import failpoint

if TYPE_CHECKING:
    from pileus.compute.attempt.pileus_attempt import Attempt


def current() -> Attempt:
    """The attempt of this process, of the module that its code imports by the same name."""
    path = str(ATTEMPT_MODULES)
    if path not in sys.path:
        sys.path.insert(0, path)
    attempt: Attempt = importlib.import_module("pileus_attempt").Attempt.current()
    return attempt


def run(module: str, attempt: Attempt) -> int:
    """Exit code of the attempt, with its result written."""
    try:
        importlib.import_module(module).main(attempt)
    except SystemExit as error:
        return _exit_code(error, attempt)
    except BaseException as error:  # noqa: BLE001  whatever ends the attempt must be told
        traceback.print_exc()
        _fail(attempt, error)
        return 1
    if not attempt.is_finished:
        if attempt.stop_requested:
            attempt.preempted()
        else:
            attempt.finish()
    failpoint("attempt.result_written")
    return 1 if attempt.has_failed else 0


def _exit_code(error: SystemExit, attempt: Attempt) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    sys.stderr.write(f"{error.code}\n")
    if not attempt.is_finished:
        attempt.fail("exit", str(error.code))
    return 1


def _fail(attempt: Attempt, error: BaseException) -> None:
    if attempt.is_finished:
        return
    if isinstance(error, PileusError):
        attempt.fail(error.code, error.message, error.hint)
    elif isinstance(error, ModuleNotFoundError):
        attempt.fail("module_not_found", str(error), f"Install {error.name!r} on the node.")
    else:
        text = str(error)
        name = type(error).__name__
        attempt.fail("exception", f"{name}: {text}" if text else name)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], current()))
