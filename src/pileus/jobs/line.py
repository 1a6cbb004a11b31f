"""The queue of a pool in short: of each waiting job what tells whether a decision may be about it.

A queue may be long, and most of it cannot start: only jobs that are chosen here are read as a whole.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from pileus.jobs.policy.demand import Asked, Shape
from pileus.jobs.scheduler import PATIENCE
from pileus.storage.transaction import Record

LOOKAHEAD = 1000
"""Waiting jobs of a size that may fit now, considered in one decision."""

LOOKAHEAD_HEAD = 16
"""The first ones that would fit an idle node: the first that waits has a node kept for it."""

LOOKAHEAD_PROJECT = 16
"""Those of each project with a quota at least, whether or not there is room for them."""

MOST_PROJECTS = 64
"""Projects with quotas that one decision looks at."""

LOOKAHEAD_PATIENT = 100
"""Those considered besides because they have waited long enough to have a node kept free."""


class Waiter(NamedTuple):
    """A waiting job; in the order in which jobs are considered."""

    less_priority: int
    """Negated, so that more goes first."""

    created_at: datetime
    job: str
    project: str
    asked: Asked
    """What its row says of what it asks for: of which kind a GPU shall be, it does not."""

    @staticmethod
    def of(record: Record) -> Waiter:
        """Of the row of a job."""
        shape = Shape.plain(record["cpu_milli"], record["memory_mib"], record["gpu_milli"])
        asked = Asked(shape, record["spec"].get("gang", 1))
        return Waiter(
            -record["priority"], record["created_at"], record["id"], record["project"], asked
        )


class Line:
    """Waiting jobs in their order."""

    def __init__(self) -> None:
        self._by_job: dict[str, Waiter] = {}
        self._ordered: list[Waiter] = []
        self._asked: Counter[Asked] = Counter()
        self._projects: Counter[str] = Counter()

    def put(self, waiter: Waiter) -> None:
        """A job waits that is not in the line yet."""
        self._by_job[waiter.job] = waiter
        self._asked[waiter.asked] += 1
        self._projects[waiter.project] += 1
        insort(self._ordered, waiter)

    def drop(self, job: str) -> None:
        """It does not wait any more, if it did."""
        waiter = self._by_job.pop(job, None)
        if waiter is not None:
            _subtract(self._asked, waiter.asked)
            _subtract(self._projects, waiter.project)
            del self._ordered[bisect_left(self._ordered, waiter)]

    @property
    def asked(self) -> Collection[Asked]:
        """All that is asked for, each once: few stand for many jobs."""
        return self._asked.keys()

    def chosen(
        self,
        now: datetime,
        may_start: Collection[Asked],
        may_ever: Collection[Asked],
        limited: Collection[str],
        promised: Collection[str],
    ) -> list[str]:
        """Jobs that a decision may be about, in their order.

        There may be room now for `may_start`, and on idle nodes for `may_ever`; `limited` are
        projects with quotas, and jobs that are `promised` room always matter.
        """
        # Quota may be had where there is no room, and what may not start must not hide what may.
        share = max(LOOKAHEAD // max(len(limited), 1), LOOKAHEAD_PROJECT)
        shares = dict.fromkeys(_turn(sorted(self._projects.keys() & limited), now), share)
        fitting = min(LOOKAHEAD, sum(self._asked[asked] for asked in may_start))
        head, patient = LOOKAHEAD_HEAD, LOOKAHEAD_PATIENT
        wanted = fitting + head + patient + share * len(shares)
        since = now - PATIENCE
        waiting = [self._by_job[job] for job in promised if job in self._by_job]
        found = {waiter for waiter in waiting if waiter.asked in may_ever}
        for waiter in self._ordered:
            if not wanted:
                break
            _, created_at, _, project, asked = waiter
            if asked not in may_ever:
                continue
            before = wanted
            if project in limited:
                if shares.get(project):
                    shares[project] -= 1
                    wanted -= 1
            else:
                if head:
                    head -= 1
                    wanted -= 1
                if fitting and asked in may_start:
                    fitting -= 1
                    wanted -= 1
                if patient and created_at <= since:
                    patient -= 1
                    wanted -= 1
            if wanted < before:
                found.add(waiter)
        return [waiter.job for waiter in sorted(found)]


def _turn(projects: Sequence[str], now: datetime) -> Sequence[str]:
    """As many of them as one decision looks at, others with each second."""
    if len(projects) <= MOST_PROJECTS:
        return projects
    start = int(now.timestamp()) * MOST_PROJECTS % len(projects)
    return (*projects, *projects)[start : start + MOST_PROJECTS]


K = TypeVar("K", bound=Hashable)


def _subtract(counter: Counter[K], key: K) -> None:
    """One less of them, and nothing left of none."""
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
