"""Who runs next: waiting jobs in their order, each where there is room, or by stopping others.

What a job stops is after it in the order by a margin and has run for a minimum, so that two jobs
cannot stop each other in turn: each time the margin is to be earned anew. A request that found no
place finds none for a later job either, because room only shrinks and a later job may stop no more.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Hashable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

PlaceT = TypeVar("PlaceT")


class Turn(NamedTuple):
    """Where a job stands in the order. The least goes first."""

    priority: int
    """Negated, so that more goes first."""

    rank: float
    created_at: float
    job: str
    """The last of the ties: an id."""


class Claim(NamedTuple):
    """A job that wants to run."""

    turn: Turn
    request: Hashable
    """What it asks for; equal ones fit the same places."""


class Held(NamedTuple):
    """A job that runs."""

    turn: Turn
    ran_seconds: float
    """Since it was last started."""


class Space(Protocol[PlaceT]):
    """What is free, and what would be if some of the running jobs were stopped."""

    def best(self, claim: Claim) -> PlaceT | None:
        """Where there is room now."""
        ...

    def take(self, claim: Claim, place: PlaceT) -> None:
        """Give the job the place."""
        ...

    def cleared(
        self, claim: Claim, stoppable: Collection[str]
    ) -> tuple[PlaceT, Sequence[str]] | None:
        """The place that stopping some of `stoppable` makes at the least loss, and those; they are gone."""
        ...


class Start(NamedTuple, Generic[PlaceT]):
    """A job that is to run, and those that make room for it: none, where there is some."""

    job: str
    place: PlaceT
    victims: tuple[str, ...]


class Preempting(NamedTuple):
    """When one job may stop another."""

    margin: float = 2.0
    """Of equal priority: only one whose rank is so many times as high. Infinite: never."""

    least_seconds: float = 300.0
    """A job of equal priority runs for this long before it makes room."""

    def allows(self, claim: Turn, held: Held) -> bool:
        """Whether `claim` may stop `held`. Strictly higher priority need not wait."""
        if claim.priority != held.turn.priority:
            return claim.priority < held.turn.priority
        is_behind = held.turn.rank > claim.rank * self.margin
        return is_behind and held.ran_seconds >= self.least_seconds


def take_turns(
    waiting: Iterable[Claim],
    running: Mapping[str, Held],
    space: Space[PlaceT],
    preempting: Preempting,
) -> list[Start[PlaceT]]:
    """What starts, in the order in which it was decided."""
    starts: list[Start[PlaceT]] = []
    stopped: set[str] = set()
    hopeless: set[Hashable] = set()
    for claim in waiting:
        if claim.request in hopeless:
            continue
        place = space.best(claim)
        victims: Sequence[str] = ()
        if place is None:
            found = space.cleared(claim, _stoppable(claim.turn, running, stopped, preempting))
            if found is None:
                hopeless.add(claim.request)
                continue
            place, victims = found
            stopped.update(victims)
        space.take(claim, place)
        starts.append(Start(claim.turn.job, place, tuple(victims)))
    return starts


def _stoppable(
    turn: Turn, running: Mapping[str, Held], stopped: Container[str], preempting: Preempting
) -> frozenset[str]:
    return frozenset(
        job for job, held in running.items() if job not in stopped and preempting.allows(turn, held)
    )
