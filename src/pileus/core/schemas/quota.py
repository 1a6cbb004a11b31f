"""Quotas: how much of each resource a project may hold at once, and what it shares in its cohort."""

from __future__ import annotations

import re
from enum import StrEnum

from pydantic import Field, model_validator

from pileus.core.schemas.base import Answer, Name, Row, Schema

MAX_AMOUNT = 2**53
"""JSON keeps every number below it."""

_RESOURCE = re.compile(r"^(cpu_milli|memory_mib|gpu_milli(:[a-z0-9.-]+)?|custom:[^:]+)$")


class Stops(StrEnum):
    """Whose attempts a job may stop, to have what they hold."""

    NEVER = "never"
    LOWER = "lower"  #: those of strictly lower priority
    ANY = "any"  #: those of any priority


class Limit(Schema):
    """Of one resource, in the unit that its name ends with; custom flavours are counted."""

    nominal: int = Field(ge=0, le=MAX_AMOUNT)
    """What the project may hold whatever others do."""

    borrowing: int | None = Field(default=None, ge=0, le=MAX_AMOUNT)
    """What it may hold beyond, as long as its cohort does not use it; no limit when absent."""

    lending: int | None = Field(default=None, ge=0, le=MAX_AMOUNT)
    """What of `nominal` others may borrow while it is not used; all of it when absent."""


class QuotaTerms(Schema):
    """What an operator sets for a project. A resource that is not named is not limited."""

    cohort: Name | None = None
    """Projects of one cohort lend each other what they do not use."""

    limits: dict[str, Limit] = Field(min_length=1)
    """`cpu_milli`, `memory_mib`, `gpu_milli`, `gpu_milli:h200` for GPUs of a kind, `custom:fpga`."""

    weight: int = Field(default=1, ge=1, le=1_000_000)
    """Of projects that borrow, one with twice the weight gets twice as much."""

    reclaim: Stops = Stops.NEVER
    """Within its nominal quota: whose attempts in the cohort it may stop, if they hold borrowed quota."""

    preempt: Stops = Stops.NEVER
    """Whose attempts of the project itself a job may stop: `never` or `lower`."""

    @model_validator(mode="after")
    def _check(self) -> QuotaTerms:
        for name, limit in self.limits.items():
            if not _RESOURCE.match(name):
                raise ValueError(
                    f"{name!r} is no resource: use cpu_milli, memory_mib, gpu_milli,"
                    " gpu_milli:KIND or custom:NAME"
                )
            if self.cohort is None and (limit.borrowing or limit.lending):
                raise ValueError(f"{name!r}: without a cohort nothing is borrowed or lent")
        if self.preempt is Stops.ANY:
            raise ValueError("preempt='any': jobs of one project would stop each other in turn")
        return self


class Quota(Row, QuotaTerms):
    """The quota of a project; there is one at most."""


class Held(Answer):
    """One resource of a quota, and how much of it the project holds now."""

    resource: str
    nominal: int
    borrowing: int | None
    lending: int | None
    used: int
    borrowed: int


class QuotaShown(Answer):
    """A quota with what is used of it."""

    project: str
    name: str
    """Of the project."""

    cohort: str | None
    weight: int
    reclaim: Stops
    preempt: Stops
    resources: tuple[Held, ...]
