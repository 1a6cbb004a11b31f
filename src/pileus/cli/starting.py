"""What every process of ours does before its imports, so that these take less time and memory."""

from __future__ import annotations

import gc
import sys


def carry_little() -> None:
    """To be called before anything else is imported."""
    # Imports make much and drop little: to look for garbage so often is a sixth of their time.
    gc.set_threshold(20_000)
    # A command line that httpx brings along, and with it Rich and Pygments where they are installed;
    # and the pydantic of before, which FastAPI asks whether our models are of it. Together 7 MB and
    # 60 ms. Both are done without when they cannot be imported.
    for unused in ("httpx._main", "pydantic.v1"):
        sys.modules[unused] = None  # type: ignore[assignment]
