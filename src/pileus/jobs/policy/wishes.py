"""What waiting jobs ask for: those that ask alike have one wish, and what was found out once holds for all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pileus.core.schemas.jobs import Job
from pileus.jobs.policy.demand import Asked, Shape
from pileus.jobs.policy.quota import Amounts, amounts_of, total


@dataclass(eq=False, slots=True)
class Wish:
    """What some of the waiting jobs ask alike, while a decision is made."""

    asked: Asked
    is_sandboxed: bool
    amounts: Amounts
    """What all members of its gang ask for, as a quota counts it."""

    nowhere: set[datetime | None] = field(default_factory=set)
    """A job that ends then finds no room: it only shrinks while a decision is made."""

    @property
    def shape(self) -> Shape:
        return self.asked.shape

    @property
    def gang(self) -> int:
        return self.asked.gang


def wishes_of(queue: Iterable[Job]) -> dict[str, Wish]:
    """Job → its wish; those that ask alike have the same."""
    wishes: dict[tuple[Shape, bool, int], Wish] = {}
    found = {}
    for job in queue:
        spec = job.spec
        alike = (Shape.of(spec.resources), spec.sandbox, spec.gang)
        wish = wishes.get(alike)
        if wish is None:
            amounts = total([amounts_of(spec.resources)] * spec.gang)
            wish = wishes[alike] = Wish(Asked(alike[0], spec.gang), spec.sandbox, amounts)
        found[job.id] = wish
    return found
