"""Figures of what a database wrote: how long a caller waited, how many shared a commit."""

from __future__ import annotations

from dataclasses import dataclass, field

from pileus.core.figures import Histogram

GROUPS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


@dataclass(frozen=True)
class Writes:
    """Since the start of the process. `groups` stays empty where there is no group commit."""

    seconds: Histogram = field(default_factory=Histogram)
    groups: Histogram = field(default_factory=lambda: Histogram(GROUPS))
