"""What attempts use of what they asked for: what a node says of it, and what people are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from pileus.core.schemas.base import Answer
from pileus.core.schemas.resources import Resources

Amount = Annotated[int, Field(ge=0, lt=2**53)]
"""JSON keeps every such number."""


class Seen(Answer):
    """What the runner of an attempt saw at one look."""

    cpu_milli: Amount
    """Thousandths of a processor in use, on average since the look before."""

    cpu_ms: Amount
    """Processor time since it began, of processes that have ended too."""

    memory_mib: Amount
    """What cannot be taken back: memory that files are cached in is left out, and what processes
    share counts once."""

    memory_peak_mib: Amount
    """The most that any look saw."""

    disk_mib: Amount | None = None
    """Of its directory, inputs left out."""

    processes: Amount


class Sample(Seen):
    """What a node says of one attempt."""

    attempt: str
    age_ms: Amount
    """How old it was when it was sent: the clocks of node and server may differ."""


class UsageReport(Answer):
    """What all attempts of a node use; what it does not name has not been looked at."""

    boot_id: str
    samples: tuple[Sample, ...]
    devices: dict[str, Amount] = Field(default_factory=dict)
    """Accelerator → thousandths of its time in use; those of which the node knows it."""


class KeptSample(Seen):
    """A sample as the server keeps it."""

    attempt: str
    sampled_at: datetime


class NodeUsage(Answer):
    """The last report of a node; there is one at most, and no history."""

    node: str
    reported_at: datetime
    samples: tuple[KeptSample, ...]
    devices: dict[str, int]


class Used(Answer):
    """What an attempt uses now, or has used in all once it has ended; None is what nobody knows."""

    sampled_at: datetime | None
    """Of one that runs, when it was seen."""

    is_stale: bool = False
    """It was seen too long ago to tell of now."""

    cpu_milli: int | None = None
    cpu_ms: int | None = None
    memory_mib: int | None = None
    memory_peak_mib: int | None = None
    """The most that any look saw; of one that has ended, or its largest process at any moment."""

    disk_mib: int | None = None
    processes: int | None = None
    gpu_milli: int | None = None
    """Of the devices that it holds whole. What others share of one, nobody can tell apart."""


class AttemptUsage(Answer):
    """One attempt: what it asked for, what it uses, what it has cost."""

    attempt: str
    number: int
    rank: int
    job: str
    name: str | None
    kind: str
    node: str
    """Name of the node."""

    state: str
    """`starting`, `running`, `stopping`, `suspect`, or how it ended."""

    granted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    asked: Resources
    used: Used | None
    """None of one that nobody has looked at."""

    cost_micro: int
    """Micro-units from the grant until now, as the ledger charges; a fraction may be rounded there
    into another entry."""


class Load(Answer):
    """One resource of a node."""

    used: int | None
    """By attempts, as far as it was seen lately; None where nobody knows."""

    asked: int
    total: int


class NodeLoad(Answer):
    """A node, and what the attempts of all projects take of it."""

    name: str
    is_answering: bool
    attempts: int
    cpu_milli: Load
    memory_mib: Load
    gpu_milli: Load


class Top(Answer):
    """Attempts of a project that have not ended, oldest first, and the nodes."""

    at: datetime
    items: tuple[AttemptUsage, ...]
    has_more: bool
    nodes: tuple[NodeLoad, ...]
    currency: str


class JobUsage(Answer):
    """Attempts of one job, first to last."""

    items: tuple[AttemptUsage, ...]
    currency: str
