"""In which order waiting jobs of equal priority are considered: the least rank first.

A rank is an area, devices x seconds. Where enough jobs alike have ended, it is a Gittins index: the least,
over all further seconds that a job may be given, of the area spent for each chance that it ends
(Gittins 1979; of two dimensions as in Gu et al., Tiresias, NSDI 2019). How likely jobs alike end is told by
those that ended and by those that still run, of which it is known only that they take longer (Kaplan and
Meier 1958): without them, what has ended says that all are short while the long ones run. Where too few
have ended, a rank is the area that a job has had: jobs that never ran are all equal.

Ranks come in steps of a fifth. What is equal goes by submission, then by id. And no rank puts a job off
for ever: it is halved whenever the job has waited `AGEING` times as long as it is expected to run, at least
`AGEING_LEAST` and at most `AGEING_MOST`, down to a lowest rank that none is below. From there a job goes
by submission, so that nothing passes it which comes later. A simulated pool whose queue grew for weeks is why
that comes late and little by little: with a fifth of these the mean completion time was half as long again.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import NamedTuple, TypeVar

from pileus.core.schemas.jobs import Job, Lease
from pileus.core.schemas.resources import MILLI
from pileus.jobs.policy.demand import Asked, Shape
from pileus.jobs.policy.ending import likeness_of
from pileus.jobs.policy.prediction import ENOUGH, GROUPS, Group, History, Likeness

LEAST_SECONDS = 60.0
"""Nothing is expected to take less: starting it takes that order of time."""

STEPS = 4
"""Ranks in a doubling: predictions are not better than that, and equal ranks go by submission."""

AGEING = 50.0
"""The rank of a job is halved whenever it has waited for so many times its expected runtime."""

AGEING_LEAST = 4 * 3600.0
"""Seconds of waiting that halve a rank at the least, however short a job is."""

AGEING_MOST = 28 * 86400.0
"""Seconds of waiting that halve a rank at the most, however long a job is expected to run."""

LOWEST = LEAST_SECONDS / 64
"""The rank that none is below; the one of a job that never ran where nothing is known."""

LOOK_SECONDS = 60.0
"""What runs is looked at as of the last whole minute: until the next one, most ranks stay."""

CPUS, MEMORY_MIB = 8, 65_536
"""Of CPUs and of memory, what counts as much as one GPU."""


def size_of(asked: Shape) -> float:
    """What a job holds, in GPUs or in what counts as much, whichever of its requests is the largest."""
    devices = asked.of_devices.milli * asked.of_devices.number / MILLI
    return max(devices, asked.cpu_milli / (CPUS * MILLI), asked.memory_mib / MEMORY_MIB)


def expected(ended: Sequence[float], going: Sequence[float], ran_seconds: float) -> float:
    """Seconds spent for each job that ends, of the best quantum for a job that `ran_seconds`.

    `ended` are durations of jobs alike, and `going` for how long others run by now; both ascend. One
    more job is made up which as likely doubles its age as not: of heavy tails, what a job has run is
    what it is expected to run yet, and that is the answer where nothing else is known.
    """
    best = math.inf
    survival, spent, before = 1.0, 0.0, ran_seconds
    for number in range(bisect_right(ended, ran_seconds), len(ended)):
        at = ended[number]
        at_risk = len(ended) - number + len(going) - bisect_left(going, at) + 1
        decline = max(before, LEAST_SECONDS) / max(at, LEAST_SECONDS)
        left = survival * decline ** (1 / at_risk)
        spent += (survival + left) / 2 * (at - before)
        survival = left * (1 - 1 / at_risk)
        best = min(best, spent / (1 - survival))
        before = at
    return max(best if best < math.inf else ran_seconds, LEAST_SECONDS)


class Standing(NamedTuple):
    """Of a job that waits, what its place follows from besides its priority and when it came."""

    level: float
    """Of its rank: 0 for the lowest, one more for each step."""

    ageing: float
    """Levels that it goes down for each second of waiting."""

    def level_after(self, waited: float) -> int:
        """Where it is when it has waited for so many seconds."""
        return max(math.floor(self.level - self.ageing * waited), 0)


UNRANKED = Standing(0.0, 0.0)
"""Of all jobs, where only submission counts."""


def standing(seconds: float | None, size: float, ran_seconds: float) -> Standing:
    """Of a job of that size which is expected to take so long yet; None where nothing is known."""
    if seconds is None:
        rank, seconds = ran_seconds * size, max(ran_seconds, LEAST_SECONDS)
    else:
        rank = seconds * size
    halved_after = min(max(AGEING * seconds, AGEING_LEAST), AGEING_MOST)
    return Standing(STEPS * math.log2(max(rank, LOWEST) / LOWEST), STEPS / halved_after)


class Turn(NamedTuple):
    """Where a waiting job stands. The least goes first, and no two are equal."""

    less_priority: int
    """Negated, so that more goes first."""

    level: int
    created_at: datetime
    job: str


class Alike(NamedTuple):
    """What jobs that are alike have in common, at one moment."""

    standing: Standing
    now: datetime
    """Without the time that they ran in earlier attempts, when they did not wait."""

    def turn(self, priority: int, created_at: datetime, job: str) -> Turn:
        """Of one of them. Of two that came one after the other, the first goes first."""
        waited = (self.now - created_at).total_seconds()
        return Turn(-priority, self.standing.level_after(waited), created_at, job)


class Going:
    """Since when what runs has run, by group."""

    def __init__(self) -> None:
        self.state: dict[Group, int] = {}
        """A number for what runs of a group, another whenever that is another; none where nothing does."""

        self._states = count(1)
        self._since: defaultdict[Group, list[float]] = defaultdict(list)
        self._held: Mapping[str, tuple[Lease, ...]] = {}
        self._on: dict[str, dict[str, tuple[Likeness, float]]] = {}

    def begin(self, likeness: Likeness, since: float) -> None:
        """A job like this runs."""
        for group in likeness.groups:
            insort(self._since[group], since)
            self.state[group] = next(self._states)

    def end(self, likeness: Likeness, since: float) -> None:
        """It does not run any more."""
        for group in likeness.groups:
            begun = self._since[group]
            del begun[bisect_left(begun, since)]
            self.state[group] = next(self._states)
            if not begun:
                del self._since[group], self.state[group]

    def attained(self, group: Group, now: float) -> list[float]:
        """For how long they have run, ascending."""
        return [now - since for since in reversed(self._since.get(group, ())) if since < now]

    def update(self, held: Mapping[str, tuple[Lease, ...]]) -> None:
        """These are the leases now, by their node."""
        if held is self._held:
            return
        for node in held.keys() | self._held.keys():
            now = held.get(node, ())
            # Most are the very same, which is seen without looking into them.
            if now is not self._held.get(node, ()):
                self._update(node, now)
        self._held = held

    def _update(self, node: str, leases: Sequence[Lease]) -> None:
        before = self._on.get(node, {})
        # A lease that was renewed is another row, and began when it did.
        after = {lease.job: before.get(lease.job) or _begun(lease) for lease in leases}
        after |= {one.job: _begun(one) for one in leases if _differs(after[one.job], one)}
        for job, one in before.items():
            if after.get(job) != one:
                self.end(*one)
        for job, one in after.items():
            if before.get(job) != one:
                self.begin(*one)
        self._on[node] = after
        if not after:
            del self._on[node]


def _begun(lease: Lease) -> tuple[Likeness, float]:
    likeness = _likeness(lease.project, lease.code_digest, Shape.of(lease.resources))
    return likeness, lease.created_at.timestamp()


def _differs(begun: tuple[Likeness, float], lease: Lease) -> bool:
    """The job has a new lease on the same node."""
    return begun[1] != lease.created_at.timestamp()


@lru_cache(maxsize=4096)
def _likeness(project: str, code_digest: str | None, shape: Shape) -> Likeness:
    return likeness_of(project, code_digest, shape)


class _Attained(NamedTuple):
    state: int
    as_of: float
    """Of which state of what runs, and as of when, the next is."""

    seconds: list[float]
    number: int
    """Another one whenever those are others."""


class _Known(NamedTuple):
    ended: tuple[float, ...]
    attained: int
    """The number of what was looked at besides."""

    seconds: float


class Ranks:
    """Expected seconds by group. What is kept makes it faster and changes none."""

    def __init__(self) -> None:
        self.going = Going()
        self._numbers = count(1)
        self._attained: dict[Group, _Attained] = {}
        self._never_ran: dict[Group, _Known] = {}
        self._ran: dict[tuple[Group, float], _Known] = {}
        """Group, and for how long a job of it ran in earlier attempts → what was found."""

    def seconds(
        self, history: History, likeness: Likeness, ran_seconds: float, now: float
    ) -> float | None:
        """What a job is expected to take yet, by `expected`; None where too little is known."""
        as_of = now // LOOK_SECONDS * LOOK_SECONDS
        for group in likeness.groups:
            ended = history.lately(group)
            if len(ended) >= ENOUGH:
                break
        else:
            return None
        attained = self._attained_by(group, as_of)
        if ran_seconds:
            return _kept(self._ran, (group, ran_seconds), ended, attained, ran_seconds)
        return _kept(self._never_ran, group, ended, attained, 0.0)

    def _attained_by(self, group: Group, as_of: float) -> _Attained:
        """For how long what runs of a group has run."""
        state = self.going.state.get(group, 0)
        known = self._attained.get(group)
        if known is not None and known[:2] == (state, as_of):
            return known
        seconds = self.going.attained(group, as_of)
        # What began since that moment changes the state, and nothing of what is looked at.
        is_same = known is not None and known.seconds == seconds
        number = known.number if known is not None and is_same else next(self._numbers)
        return _put(self._attained, group, _Attained(state, as_of, seconds, number))


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def _kept(
    found: dict[K, _Known],
    key: K,
    ended: tuple[float, ...],
    attained: _Attained,
    ran_seconds: float,
) -> float:
    known = found.get(key)
    if known is None or known[:2] != (ended, attained.number):
        seconds = expected(ended, attained.seconds, ran_seconds)
        known = _put(found, key, _Known(ended, attained.number, seconds))
    return known.seconds


def _put(found: dict[K, V], key: K, value: V) -> V:
    """Keep it, and not more than there may be groups."""
    if key not in found and len(found) >= GROUPS:
        found.clear()
    found[key] = value
    return value


class Order:
    """The order at a moment: of jobs, and of what is known of them in short."""

    def __init__(
        self,
        ranks: Ranks,
        history: History,
        held: Mapping[str, tuple[Lease, ...]],
        now: datetime,
        ran: Mapping[str, float],
        *,
        by_rank: bool,
    ) -> None:
        self._ranks = ranks
        self._history = history
        self._now = now
        self._ran = ran
        self._by_rank = by_rank
        self._found: dict[tuple[str, str, Asked, float], Alike] = {}
        if by_rank:
            ranks.going.update(held)

    def of_job(self, job: Job, asked: Asked) -> Turn:
        """Where a job stands that asks for this."""
        alike = self.alike(job.project, job.code_digest, asked, self._ran.get(job.id, 0.0))
        return alike.turn(job.priority, job.created_at, job.id)

    def alike(self, project: str, code_digest: str, asked: Asked, ran_seconds: float) -> Alike:
        """Jobs that ask for this, and ran for so long in earlier attempts."""
        key = (project, code_digest, asked, ran_seconds)
        found = self._found.get(key)
        if found is None:
            stands = UNRANKED
            if self._by_rank:
                likeness = _likeness(project, code_digest, asked.shape)
                now = self._now.timestamp()
                seconds = self._ranks.seconds(self._history, likeness, ran_seconds, now)
                stands = standing(seconds, size_of(asked.shape) * asked.gang, ran_seconds)
            found = self._found[key] = Alike(stands, self._now - timedelta(seconds=ran_seconds))
        return found
