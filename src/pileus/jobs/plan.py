"""What a decision is made from, and its outcome: values that loading, deciding and applying share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from threading import Lock
from typing import NamedTuple

from pileus.core.schemas.jobs import Job, Lease, Node
from pileus.core.schemas.quota import Quota
from pileus.jobs.policy.ordering import Ranks
from pileus.jobs.policy.prediction import History
from pileus.jobs.policy.spaces import Spaces
from pileus.jobs.reasons import Waiting


@dataclass(frozen=True)
class PoolSnapshot:
    """What a decision is made from."""

    now: datetime
    nodes: Sequence[Node]
    """Those that answer."""

    held: Mapping[str, tuple[Lease, ...]]
    """Node → unreleased leases on it. As long as those are the same, so is the sequence: what
    is made from it is kept."""

    queue: Sequence[Job]
    silent: Sequence[Node] = ()
    """Nodes that were not heard for a while; nothing is granted to them."""

    is_draining: bool = False
    stopping: frozenset[str] = frozenset()
    """Running jobs that were asked to stop."""

    promises: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Waiting job → nodes on which room is being made for it."""

    ran: Mapping[str, float] = field(default_factory=dict)
    """Waiting job → seconds that its earlier attempts ran; of one that never ran, nothing."""

    @property
    def leases(self) -> Iterator[Lease]:
        """All of them."""
        return chain.from_iterable(self.held.values())


@dataclass(frozen=True)
class Policy:
    """What an operator decides."""

    quotas: Sequence[Quota] = ()
    by_rank: bool = True
    """Whether of equal priorities what is expected to end soon goes first, or what came first."""


NO_POLICY = Policy()
"""Nothing is limited, and nobody makes room."""


class Berth(NamedTuple):
    """Where one attempt runs: a node, and devices of it."""

    node: Node
    devices: tuple[str, ...]


@dataclass(frozen=True)
class Grant:
    """Leave for a job to run: of each member of its gang, by rank, where."""

    job: Job
    berths: tuple[Berth, ...]

    @property
    def nodes(self) -> str:
        """Names of its nodes, each once."""
        return ", ".join(dict.fromkeys(berth.node.name for berth in self.berths))


@dataclass(frozen=True)
class Preemption:
    """A running job that is to save a checkpoint and make room for a waiting one."""

    victim: str
    winner: Job


@dataclass(frozen=True)
class Plan:
    """The outcome of a decision."""

    grants: tuple[Grant, ...]
    waiting: dict[str, Waiting]
    preemptions: tuple[Preemption, ...] = ()
    promises: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Those that stand after it."""

    @property
    def nodes(self) -> dict[str, str]:
        """Id of each job that starts → names of its nodes."""
        return {grant.job.id: grant.nodes for grant in self.grants}


@dataclass(frozen=True)
class Carry:
    """What earlier decisions leave to later ones: never needed."""

    history: History
    """It makes them better."""

    spaces: Spaces = field(default_factory=Spaces)
    """It makes them faster, and changes none."""

    ranks: Ranks = field(default_factory=Ranks)
    """So does this."""

    lock: Lock = field(default_factory=Lock)
    """Held by whoever uses either of the two."""
