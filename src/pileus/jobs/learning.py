"""What ended jobs teach of how long jobs take: read from released leases, a few each time."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pileus.core.schemas.jobs import JobStatus
from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.ending import likeness_of
from pileus.jobs.policy.prediction import History, Likeness
from pileus.jobs.store import leases
from pileus.jobs.tables import JOBS
from pileus.storage.transaction import Snapshot

MOST = 1000
"""Leases read at once; at the start of a server, the last ones."""


class Lessons(NamedTuple):
    """What there is to learn up to a moment."""

    until: datetime | None
    durations: list[tuple[Likeness, float]]
    """Of jobs that succeeded at their first attempt, in seconds: others did something else as well."""

    is_all: bool
    """Whether there is nothing more to learn now."""


class Learning:
    """The history of this server, which is behind the database by one look."""

    def __init__(self) -> None:
        self.history = History()
        self._until: datetime | None = None

    def look(self, snapshot: Snapshot) -> Lessons:
        """What has been released since the last look that was learnt."""
        if self._until is None:
            found = leases.find(
                snapshot, [("released_at", "!=", None)], order=["-released_at"], limit=MOST
            )[::-1]
        else:
            found = leases.find(
                snapshot, [("released_at", ">", self._until)], order=["released_at"], limit=MOST
            )
        # As they are stored: to check a row takes longer than to read it, and of each two words matter.
        wanted = list({lease.job for lease in found})
        ended = {job["id"]: job for job in snapshot.find(JOBS, [("id", "in", wanted)])}
        once = {lease.job: lease for lease in found}  # members of a gang are one job
        durations = [
            (
                likeness_of(lease.project, lease.code_digest, Shape.of(lease.resources)),
                (lease.released_at - lease.created_at).total_seconds(),
            )
            for lease in once.values()
            if (job := ended.get(lease.job)) is not None
            and job["status"] == JobStatus.SUCCEEDED.value
            and job["attempts"] == 1
            and lease.released_at is not None
        ]
        until = found[-1].released_at if found else self._until
        return Lessons(until, durations, is_all=self._until is None or len(found) < MOST)

    def learn(self, lessons: Lessons) -> None:
        """Remember them."""
        self._until = lessons.until
        for likeness, seconds in lessons.durations:
            self.history.learn(likeness, seconds)
