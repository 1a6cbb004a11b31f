"""What every process of ours does before its imports, so that these take less time and memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable

_VALUED = frozenset({"--home", "--project", "--url"})
"""Options before a command that take the next word."""


def carry_little() -> None:
    """To be called before anything else is imported."""
    # Imports make much and drop little: to look for garbage so often is a sixth of their time.
    gc.set_threshold(20_000)
    # A command line that httpx brings along, and with it Rich and Pygments where they are installed;
    # and the pydantic of before, which FastAPI asks whether our models are of it. Together 7 MB and
    # 60 ms. Both are done without when they cannot be imported.
    for unused in ("httpx._main", "pydantic.v1"):
        sys.modules[unused] = None  # type: ignore[assignment]


def starts_an_installation(words: Iterable[str]) -> bool:
    """Whether these words of a command line are those of a detached `pileus up`."""
    given = list(words)
    return _command(given) == "up" and not {"--foreground", "--help", "-h"} & set(given)


def _command(words: Iterable[str]) -> str | None:
    left = iter(words)
    for word in left:
        if not word.startswith("-"):
            return word
        if word in _VALUED:
            next(left, None)
    return None
