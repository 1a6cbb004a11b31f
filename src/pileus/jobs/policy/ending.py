"""When what runs, or is about to, is expected to end: by its timeout, and by how long jobs alike took."""

from __future__ import annotations

from datetime import datetime, timedelta

from pileus.core.schemas.jobs import Job, Lease
from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.prediction import History, Likeness

QUANTILE = 0.8
"""Of durations of jobs alike: more often early than late, so that who waits is rarely put off."""


def likeness_of(project: str, code_digest: str | None, shape: Shape) -> Likeness:
    """What makes a job like others."""
    return Likeness(project, code_digest or "", repr(shape))


class Endings:
    """Expected ends, as of `now`; None where nothing is known, or what was expected has passed."""

    def __init__(self, history: History, now: datetime) -> None:
        self._history = history
        self._now = now
        self._of_jobs: dict[tuple[str, str, Shape, float | None], datetime | None] = {}

    def of_lease(self, lease: Lease) -> datetime | None:
        """When the attempt that holds it ends."""
        likeness = likeness_of(lease.project, lease.code_digest, Shape.of(lease.resources))
        timeout = None if lease.timeout_ms is None else lease.timeout_ms / 1000
        return self._end(lease.created_at, timeout, likeness)

    def of_job(self, job: Job, shape: Shape) -> datetime | None:
        """When it would end if it started now."""
        alike = (job.project, job.code_digest, shape, job.spec.timeout_seconds)
        if alike not in self._of_jobs:
            likeness = likeness_of(job.project, job.code_digest, shape)
            self._of_jobs[alike] = self._end(self._now, job.spec.timeout_seconds, likeness)
        return self._of_jobs[alike]

    def _end(self, start: datetime, timeout: float | None, likeness: Likeness) -> datetime | None:
        ran = (self._now - start).total_seconds()
        longer = self._history.runtime(likeness, ran).longer_than(ran)
        known = [] if timeout is None else [timeout]
        if longer:
            known.append(longer[min(int(len(longer) * QUANTILE), len(longer) - 1)])
        end = start + timedelta(seconds=min(known)) if known else None
        return end if end is not None and end > self._now else None
