"""Who makes room for a job that its quota entitles to some: the jobs whose stop loses the least.

As Kueue's preemption within a ClusterQueue and reclaim within a cohort
(https://kueue.sigs.k8s.io/docs/concepts/preemption/), with the loss as the order: what an attempt has
run at the price of what it holds, the most that a stop can lose, for it is asked to save a checkpoint.

There are no loops. Who is stopped held borrowed quota, or is of strictly lower priority in the same
project. What starts in its place holds nominal quota, which only its own project may take again, or is
of higher priority. And of equal priority only what has run for a while is stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from pileus.core.schemas.quota import Stops
from pileus.core.schemas.resources import Resources
from pileus.jobs.policy.demand import Shape
from pileus.jobs.policy.free import Free
from pileus.jobs.policy.holdings import Holding
from pileus.jobs.policy.quota import Amounts, Quotas

PROTECTED_SECONDS = 60.0
"""An attempt that has run for less makes room for strictly higher priority only."""

MOST_NODES = 16
"""Nodes looked at for one job, those with the least to lose first."""


class Claim(NamedTuple):
    """A job that has no room or no quota."""

    project: str
    priority: int
    resources: Resources
    amounts: Amounts
    """Of all members of its gang, as the quota counts them."""

    gang: int = 1


class Clearing(NamedTuple):
    """Nodes where there is room once these have stopped; none, where they are stopping already."""

    nodes: tuple[str, ...]
    victims: tuple[Holding, ...]


def may_stop(claim: Claim, holdings: Iterable[Holding], quotas: Quotas) -> list[Holding]:
    """Those that the claim's quota entitles it to stop, if they hold borrowed quota or are of its own
    project."""
    own = quotas.of.get(claim.project)
    if own is None:
        return []
    reclaim = Stops.NEVER if quotas.borrows(claim.project, claim.amounts) else own.reclaim
    entitled = {
        project: own.preempt if its is own else reclaim
        for project, its in quotas.of.items()
        if its is own or (own.cohort is not None and own.cohort == its.cohort)
    }
    found = []
    for one in holdings:
        stops = entitled.get(one.project, Stops.NEVER)
        if stops is not Stops.NEVER and (
            one.priority < claim.priority
            or (stops is Stops.ANY and one.ran_seconds >= PROTECTED_SECONDS)
        ):
            found.append(one)
    return found


def clear(
    claim: Claim,
    holdings: Iterable[Holding],
    quotas: Quotas,
    roomy: tuple[str, ...],
    space_of: Callable[[str], Free | None],
    others: Iterable[str] = (),
) -> Clearing | None:
    """The room whose making loses the least; None where the claim may not have enough stopped.

    Of `holdings` those with the least to lose come first, as `least_loss` has it. `quotas`, and what
    `space_of` tells of a node, are as they will be when everything has stopped that was asked to;
    `roomy` are nodes that have room then. A gang may have a part of its room on `others`, where nobody
    is stopped for it. Nothing is changed.
    """
    stoppable = may_stop(claim, holdings, quotas)
    if roomy:
        victims = _choose(claim, (), stoppable, quotas, None)
        return None if victims is None else Clearing(roomy, victims)
    if _choose(claim, (), stoppable, quotas, None) is None:
        return None  # whatever the node
    by_node: dict[str, list[Holding]] = {}
    for one in stoppable:
        for node in dict.fromkeys(lease.node for lease in one.leases):
            by_node.setdefault(node, []).append(one)
    if claim.gang > 1:
        nodes = [*islice(by_node, MOST_NODES + claim.gang), *others]
        return _clear_several(claim, stoppable, quotas, dict.fromkeys(nodes), space_of)
    found = []
    for node, on_node in islice(by_node.items(), MOST_NODES):
        space = space_of(node)
        if space is None or not Free(space.node).fits(Shape.of(claim.resources)):
            continue
        victims = _choose(claim, on_node, stoppable, quotas, {node: space.copy()})
        if victims is not None:
            lost = sum(one.lost_micro for one in victims)
            found.append((lost, len(victims), space.node.name, Clearing((node,), victims)))
    return min(found)[-1] if found else None


def _clear_several(
    claim: Claim,
    stoppable: Sequence[Holding],
    quotas: Quotas,
    nodes: Iterable[str],
    space_of: Callable[[str], Free | None],
) -> Clearing | None:
    """The same for a gang, which may have its room on several nodes."""
    spaces = {node: space.copy() for node in nodes if (space := space_of(node)) is not None}
    victims = _choose(claim, stoppable, stoppable, quotas, spaces)
    if victims is None:
        return None
    for lease in (lease for one in victims for lease in one.leases if lease.node in spaces):
        spaces[lease.node].give(lease.resources, lease.devices)
    left, used, shape = claim.gang, list[str](), Shape.of(claim.resources)
    members = {node: space.holds(shape, left) for node, space in spaces.items()}
    for node in sorted(members, key=lambda node: (-members[node], spaces[node].node.name)):
        if left > 0:
            used.append(node)
        left -= members[node]
    return Clearing(tuple(used), victims)


def _choose(
    claim: Claim,
    on_nodes: Sequence[Holding],
    everywhere: Sequence[Holding],
    quotas: Quotas,
    spaces: Mapping[str, Free] | None,
) -> tuple[Holding, ...] | None:
    """Of those in their order as many as are needed, for the room first; then all that need not
    stop are spared, the dearest first."""
    trial = _Trial(claim, quotas, spaces)
    for one in on_nodes:
        if trial.has_room:
            break
        trial.stop(one)
    for one in everywhere:
        if trial.has_quota:
            break
        trial.stop(one)
    is_enough = trial.has_room and trial.has_quota
    if is_enough:
        for one in sorted(trial.stopped.values(), key=least_loss, reverse=True):
            trial.spare(one)
            if not (trial.has_room and trial.has_quota):
                trial.stop_again(one)
    victims = sorted(trial.stopped.values(), key=least_loss)
    for one in victims:
        trial.spare(one)
    return tuple(victims) if is_enough else None


class _Trial:
    """What there would be if some stopped. Whoever spares all of them leaves everything as it was."""

    def __init__(self, claim: Claim, quotas: Quotas, spaces: Mapping[str, Free] | None) -> None:
        """Without `spaces` there is room."""
        self._claim = claim
        self._shape = Shape.of(claim.resources)
        self._contested = quotas.limited(claim.project, claim.amounts)
        self._quotas = quotas
        self._spaces = spaces or {}
        self._members = {node: self._held(node) for node in self._spaces}
        """Node → how many of the claim's members find room there."""

        self._needed = 0 if spaces is None else claim.gang
        self.stopped: dict[str, Holding] = {}
        """Job → what would stop."""

    @property
    def has_room(self) -> bool:
        return sum(self._members.values()) >= self._needed

    @property
    def has_quota(self) -> bool:
        return self._quotas.lacking(self._claim.project, self._claim.amounts) is None

    def stop(self, one: Holding) -> None:
        """Nothing happens where its project is within its quota: those before it were enough."""
        its = one.project
        is_owed = its == self._claim.project or self._quotas.is_borrowing(its, self._contested)
        if is_owed and one.job not in self.stopped:
            self.stop_again(one)

    def stop_again(self, one: Holding) -> None:
        """Stop what could not be spared. That it may be stopped was asked before: asked now, after
        others of its project, the answer may be another one."""
        self.stopped[one.job] = one
        self._quotas.give(one.project, one.amounts)
        self._change(one, Free.give)

    def spare(self, one: Holding) -> None:
        del self.stopped[one.job]
        self._quotas.take(one.project, one.amounts)
        self._change(one, Free.take)

    def _change(
        self, one: Holding, change: Callable[[Free, Resources, tuple[str, ...]], None]
    ) -> None:
        """What it holds on the nodes that are looked at."""
        for lease in one.leases:
            if lease.node in self._spaces:
                change(self._spaces[lease.node], lease.resources, lease.devices)
                self._members[lease.node] = self._held(lease.node)

    def _held(self, node: str) -> int:
        return self._spaces[node].holds(self._shape, self._claim.gang)


def least_loss(one: Holding) -> tuple[float, int, float, str]:
    """By which those come first that lose the least."""
    return (one.lost_micro, one.priority, one.ran_seconds, one.job)
