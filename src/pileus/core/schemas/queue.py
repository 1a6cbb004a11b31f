"""What the scheduler says of jobs that wait, and of one that is not submitted yet."""

from __future__ import annotations

from datetime import datetime

from pileus.core.schemas.base import Answer
from pileus.core.schemas.resources import Resources


class Estimate(Answer):
    """What a job would meet and cost if it were submitted now; nothing is kept of it."""

    node: str | None
    """Where it would start at once; None when it would wait."""

    reason: str | None
    """Why it would wait."""

    hint: str | None
    eta: datetime | None = None
    """When it is expected to start; None where it is not known."""

    after: str | None = None
    """The job of the same project whose end makes the room then."""

    micro_per_hour: int
    """Price of what an attempt holds, in micro-units for an hour."""

    most_micro: int | None
    """With a timeout: the price of every try running into it, and through its grace."""

    currency: str


class Queued(Answer):
    """A job that waits, and what the scheduler says of it now."""

    position: int
    """From 1, among the waiting jobs of all projects, in the order in which they are considered."""

    job: str
    name: str | None
    kind: str
    priority: int
    created_at: datetime
    resources: Resources

    node: str | None
    """Where it is about to start; None when it waits."""

    reason: str | None
    hint: str | None
    eta: datetime | None = None
    """When it is expected to start; None where it is not known."""

    after: str | None = None
    """The job of the same project whose end makes the room then."""


class Queue(Answer):
    """Waiting jobs of a project, first to start first; the rest of a very long queue is left out."""

    items: tuple[Queued, ...]
    has_more: bool
