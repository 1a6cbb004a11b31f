"""The queue of a pool in short: of each waiting job what tells whether a decision may be about it.

A queue may be long, and most of it cannot start: only jobs that are chosen here are read as a whole.
Jobs that are alike have one rank (`policy/ordering.py`) and wait in one lane, by submission. So the order
is found from the heads of lanes, and a short job is found behind any number of long ones.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Generator, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from pileus.jobs.policy.demand import Asked, Shape
from pileus.jobs.policy.ordering import Alike, Order, Turn
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
    """A waiting job; of a lane the first is the least."""

    created_at: datetime
    job: str
    lane: Lane

    @staticmethod
    def of(record: Record, ran_seconds: float = 0.0) -> Waiter:
        """Of the row of a job whose earlier attempts ran for so long."""
        shape = Shape.plain(record["cpu_milli"], record["memory_mib"], record["gpu_milli"])
        spec = record["spec"]
        lane = Lane(
            record["priority"],
            record["project"],
            record["code_digest"],
            Asked(shape, spec.get("gang", 1)),
            _as_told(shape, spec.get("resources", {})),
            ran_seconds,
        )
        return Waiter(record["created_at"], record["id"], lane)


class Lane(NamedTuple):
    """What jobs have in common that differ in when they came, and in nothing that the order looks at."""

    priority: int
    project: str
    code_digest: str
    asked: Asked
    """What its row says of what it asks for: of which kind a GPU shall be, it does not."""

    request: Shape
    """All that it asks for, or each member of its gang."""

    ran_seconds: float


def _as_told(plain: Shape, resources: Mapping[str, Any]) -> Shape:
    kind, custom = resources.get("gpu_kind"), resources.get("custom")
    if not kind and not custom:
        return plain
    devices = plain.of_devices._replace(kind=kind)
    return plain._replace(of_devices=devices, custom=tuple(sorted((custom or {}).items())))


class Line:
    """Waiting jobs in their order."""

    def __init__(self) -> None:
        self._by_job: dict[str, Waiter] = {}
        self._lanes: dict[Lane, list[Waiter]] = {}
        self._asked: Counter[Asked] = Counter()
        self._projects: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._by_job)

    def put(self, waiter: Waiter) -> None:
        """A job waits that is not in the line yet."""
        self._by_job[waiter.job] = waiter
        self._asked[waiter.lane.asked] += 1
        self._projects[waiter.lane.project] += 1
        insort(self._lanes.setdefault(waiter.lane, []), waiter)

    def drop(self, job: str) -> None:
        """It does not wait any more, if it did."""
        waiter = self._by_job.pop(job, None)
        if waiter is not None:
            _subtract(self._asked, waiter.lane.asked)
            _subtract(self._projects, waiter.lane.project)
            lane = self._lanes[waiter.lane]
            del lane[bisect_left(lane, waiter)]
            if not lane:
                del self._lanes[waiter.lane]

    @property
    def asked(self) -> Collection[Asked]:
        """All that is asked for, each once: few stand for many jobs."""
        return self._asked.keys()

    def first(self, order: Order, most: int, project: str | None = None) -> list[str]:
        """The first that wait, of a project or of all."""
        lanes = [lane for lane in self._lanes if project in {None, lane.project}]
        return [waiter.job for _, waiter in islice(self._merged(lanes, order), most)]

    def chosen(
        self,
        now: datetime,
        may_start: Collection[Asked],
        may_ever: Collection[Asked],
        limited: Collection[str],
        promised: Collection[str],
        order: Order,
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
        found = [
            _place(waiter, _alike(waiter.lane, order))
            for waiter in waiting
            if waiter.lane.asked in may_ever
        ]
        merged = self._merged([lane for lane in self._lanes if lane.asked in may_ever], order)
        is_lane_over = None
        while wanted:
            try:
                turn, waiter = merged.send(is_lane_over)
            except StopIteration:
                break
            before = wanted
            project, asked = waiter.lane.project, waiter.lane.asked
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
                if patient and waiter.created_at <= since:
                    patient -= 1
                    wanted -= 1
            # What these leave out for one, they do for later ones of its lane.
            is_lane_over = wanted == before
            if not is_lane_over:
                found.append(turn)
        return list(dict.fromkeys(turn.job for turn in sorted(found)))

    def _merged(
        self, lanes: Iterable[Lane], order: Order
    ) -> Generator[tuple[Turn, Waiter], bool | None, None]:
        """Those of these lanes in their order; a lane is left if a true word is sent about its last."""
        # No two turns are equal, so that nothing after them is compared.
        heap: list[tuple[Turn, int, Sequence[Waiter], Alike]] = []
        for lane in lanes:
            alike = _alike(lane, order)
            heap.append((_place(self._lanes[lane][0], alike), 0, self._lanes[lane], alike))
        heapq.heapify(heap)
        while heap:
            turn, number, waiters, alike = heap[0]
            is_over = yield turn, waiters[number]
            number += 1
            if is_over or number == len(waiters):
                heapq.heappop(heap)
            else:
                entry = (_place(waiters[number], alike), number, waiters, alike)
                heapq.heapreplace(heap, entry)


def _alike(lane: Lane, order: Order) -> Alike:
    asked = lane.asked._replace(shape=lane.request)
    return order.alike(lane.project, lane.code_digest, asked, lane.ran_seconds)


def _place(waiter: Waiter, alike: Alike) -> Turn:
    return alike.turn(waiter.lane.priority, waiter.created_at, waiter.job)


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
