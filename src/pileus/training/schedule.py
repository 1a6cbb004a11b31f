"""The one-cycle schedule: warm up, then follow a cosine down to nothing. Pure.

Smith and Topin, "Super-convergence" (2018): the high middle finds flat minima, the tail settles.
"""

from __future__ import annotations

from math import cos, pi

WARM_UP = 0.25
"""Share of the steps in which the rate rises."""

START = 0.04
"""Of the peak, at the first step."""

END = 1e-4
"""Of the peak, at the last step."""


def factor(step: int, steps: int) -> float:
    """The learning rate at `step` of `steps`, as a share of its peak."""
    position = step / max(1, steps - 1)
    if position < WARM_UP:
        return _glide(START, 1.0, position / WARM_UP)
    return _glide(1.0, END, (position - WARM_UP) / (1 - WARM_UP))


def _glide(start: float, end: float, position: float) -> float:
    return end + (start - end) * (1 + cos(pi * position)) / 2
