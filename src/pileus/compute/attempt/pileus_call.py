"""
Calls a function of the user's code: `python -m pileus_call MODULE:NAME '{"args": [], "kwargs": {}}'`.

What it returns is the `result` of the attempt's summary, as JSON. Standard library only and no other
module of Pileus but `pileus_attempt`, for the reasons given there. Runs on Python 3.9 and later.
"""

from __future__ import annotations

import functools
import importlib
import json
import sys
import traceback
from typing import TYPE_CHECKING, Any, Iterator  # noqa: UP035  Python 3.9's

if TYPE_CHECKING:
    from pileus.compute.attempt.pileus_attempt import Attempt
else:
    from pileus_attempt import Attempt

MAX_BYTES = 200_000
MAX_TEXT = 10_000
"""Of a result, and of any one text in it: what the server keeps whole of a summary."""


def main(target: str, arguments: str) -> int:
    """Exit code of the attempt, with its result written."""
    attempt = Attempt.current()
    given = json.loads(arguments)
    try:
        value = _function(target)(*given["args"], **given["kwargs"])
    except Exception as error:  # noqa: BLE001  whatever ends the function must be told
        traceback.print_exc()
        text = str(error)
        name = type(error).__name__
        attempt.fail("exception", f"{name}: {text}" if text else name)
        return 1
    if attempt.is_finished:
        return 1 if attempt.has_failed else 0
    if attempt.stop_requested:
        attempt.preempted()
        return 0
    fault = _fault(value)
    if fault is not None:
        hint = "Return something small, and write what is large below Attempt.current().out."
        attempt.fail("result_refused", f"{target} returned {fault}", hint)
        return 1
    attempt.finish({"result": value})
    return 0


def _function(target: str) -> Any:  # noqa: ANN401  any callable
    module, _, name = target.partition(":")
    return functools.reduce(getattr, name.split("."), importlib.import_module(module))


def _fault(value: Any) -> str | None:  # noqa: ANN401  what a function returns
    """Why a value cannot be the result; None when it can."""
    try:
        content = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return f"what JSON cannot hold: {error}"
    if len(content) > MAX_BYTES:
        return f"{len(content)} bytes of JSON, more than {MAX_BYTES}"
    longest = max((len(text) for text in _texts(json.loads(content))), default=0)
    if longest > MAX_TEXT:
        return f"a text of {longest} characters, more than {MAX_TEXT}"
    return None


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401  any JSON value
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
