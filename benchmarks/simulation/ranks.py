"""How far back in the queue a job stands among those of its priority: by its rank, least first.

`attained`, when nothing is known of runtimes: the area (devices x seconds) that it had so far, in
steps, first come first served within one; as in Gu et al., Tiresias (NSDI 2019).

`expected`, when durations of jobs alike are known: a Gittins index, the least over all further
seconds of the area it is expected to take for each chance to end (Gittins 1979; two-dimensional as in
Tiresias). Where none is known to have run for so long, the rank is what it attained: of heavy tails,
what a job has run is what it is expected to run yet.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from pileus.jobs.policy.prediction import Runtime

LEAST_SECONDS = 60.0
"""Nothing is expected to take less: starting it takes that order of time."""


def attained(area: float, limits: Sequence[float]) -> float:
    """The number of the level of a job that had `area`; `limits` are where the next one begins."""
    return float(bisect_right(limits, area))


def attained_finely(area: float, base: float = 2.0) -> float:
    """The same with levels each `base` times as long as the one before, from a minute on."""
    return math.floor(math.log(max(area, LEAST_SECONDS), base))


def expected(runtime: Runtime, ran_seconds: float, devices: float) -> float:
    """Device-seconds for each job that ends, of the best quantum to give to a job."""
    longer = runtime.longer_than(ran_seconds)
    if not longer:
        return max(ran_seconds, LEAST_SECONDS) * devices
    before = 0.0
    best = math.inf
    for number, seconds in enumerate(longer, 1):
        before += seconds - ran_seconds
        rest = (seconds - ran_seconds) * (len(longer) - number)
        best = min(best, (before + rest) / number)
    return max(best, LEAST_SECONDS) * devices
