"""Decides, purely: which waiting job goes to which node, who makes room, and why each other one waits.

`decide` is a function of values; loading and applying are the engine's. First come jobs for which
room is being made, then those within the nominal quota of their project or without one, by priority,
then by rank (`policy/ordering.py`); then those that borrow, by the dominant share of their project.

The first that waits for room has a node kept from when running jobs are expected to have made it
(`policy/reservation.py`): later ones pass if they do not delay it. Where nothing is known, and where
expectations have failed it for `TRUST`, a job that has waited longer than `PATIENCE` has a node kept free.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from itertools import chain, islice

from pileus.core.schemas.jobs import Job, Lease, Node
from pileus.core.schemas.quota import Stops
from pileus.jobs.answers import Answers, Lack, Share, lack_of
from pileus.jobs.plan import NO_POLICY, Berth, Carry, Grant, Plan, Policy, PoolSnapshot, Preemption
from pileus.jobs.policy.clearing import Claim, Clearing, clear, least_loss
from pileus.jobs.policy.demand import Demand
from pileus.jobs.policy.ending import Endings
from pileus.jobs.policy.free import Free
from pileus.jobs.policy.holdings import holdings_of
from pileus.jobs.policy.ordering import Order, Turn
from pileus.jobs.policy.placement import Placement, Spot
from pileus.jobs.policy.prediction import History
from pileus.jobs.policy.quota import Amounts, Quotas, amounts_of, total
from pileus.jobs.policy.reservation import End, Opening, Reservations, earliest
from pileus.jobs.policy.soon import Soon
from pileus.jobs.policy.wishes import Wish, wishes_of
from pileus.jobs.reasons import Waiting, being_cleared, explain

PATIENCE = timedelta(seconds=60)
"""A job that fits an idle node waits at most this long behind smaller ones that came later."""

TRUST = timedelta(minutes=15)
"""For so long a job that waits for room is put off by others that were expected to end before it."""

MOST_LOOKED_AT = 64
"""Nodes whose running jobs are looked at for when there is room, those with the most left."""

MOST_KEPT_WHOLE = 16
"""Nodes kept free in one decision."""

MOST_CLEARINGS = 32
"""Jobs for which one decision looks for others to stop; the next one goes on."""


def decide(pool: PoolSnapshot, carry: Carry | None = None, policy: Policy = NO_POLICY) -> Plan:
    """Grants for the jobs that can start now; a reason for each that cannot."""
    carry = carry or Carry(History())
    with carry.lock:
        return _Decision(pool, carry, policy).plan()


def in_order(pool: PoolSnapshot, carry: Carry, policy: Policy = NO_POLICY) -> list[Job]:
    """What waits, as it is considered: by priority, then by rank, then by submission."""
    with carry.lock:
        turns = _turns(pool, carry, policy, wishes_of(pool.queue))
    return sorted(pool.queue, key=lambda job: turns[job.id])


def _turns(
    pool: PoolSnapshot, carry: Carry, policy: Policy, wishes: Mapping[str, Wish]
) -> dict[str, Turn]:
    """Where each job that waits stands."""
    known = (carry.ranks, carry.history, pool.held, pool.now, pool.ran)
    order = Order(*known, by_rank=policy.by_rank)
    return {job.id: order.of_job(job, wishes[job.id].asked) for job in pool.queue}


class _Decision:
    """One decision while it is made."""

    def __init__(self, pool: PoolSnapshot, carry: Carry, policy: Policy) -> None:
        self._pool = pool
        self._endings = Endings(carry.history, pool.now)
        self._spaces = carry.spaces
        self._spaces.update(pool.nodes, pool.held)
        self._wishes = wishes_of(pool.queue)
        self._turns = _turns(pool, carry, policy, self._wishes)
        # What waits and what runs is what is expected to come again.
        asked = self._spaces.asked.copy()
        for wish, number in Counter(self._wishes.values()).items():
            asked[wish.shape] += number * wish.gang
        self._placement = Placement(self._spaces.now, Demand.counted(asked))
        self._numbers = self._placement.numbers
        self._reservations = Reservations()
        self._quotas = Quotas(policy.quotas)
        self._answers = Answers(self._quotas)
        holdings = holdings_of(pool.leases, (*pool.nodes, *pool.silent), self._quotas, pool.now)
        for held in holdings:
            self._quotas.take(held.project, held.amounts)
        self._soon = self._quotas.copy()
        """The quotas once everything has stopped that was asked to."""

        for held in holdings:
            if held.job in pool.stopping:
                self._soon.give(held.project, held.amounts)
        running = (held for held in holdings if held.job not in pool.stopping)
        self._stoppable = sorted(running, key=least_loss)
        self._spaces_soon = Soon(self._placement, self._reservations)
        if pool.stopping:
            for lease in pool.leases:
                if lease.job in pool.stopping:
                    self._spaces_soon.leave(lease)
        self._claims: dict[str, tuple[str, Amounts]] = {}
        """Project → the job that its quota is kept for, and what is kept."""

        self._is_backfilling = False
        """Whether a job waits for room: what comes later may pass, and must not delay it."""

        self._kept_whole = 0
        self._clearings = 0
        self._hopeless: set[tuple[str, int, Wish]] = set()
        self._explained: dict[Wish, Waiting] = {}
        self._grants: list[Grant] = []
        self._waiting: dict[str, Waiting] = {}
        self._preemptions: list[Preemption] = []
        self._promises: dict[str, tuple[str, ...]] = {}

    def plan(self) -> Plan:
        rest = []
        for job in sorted(self._pool.queue, key=lambda job: self._turns[job.id]):
            held_back = _held_back(job, self._pool)
            if held_back is not None:
                self._waiting[job.id] = held_back
            elif job.id not in self._pool.promises or not self._keep_promise(job):
                rest.append(job)
        borrowing: dict[str, list[Job]] = defaultdict(list)
        for job in rest:
            if self._borrows(job):
                borrowing[job.project].append(job)
                if self._is_patient(job):
                    amounts = self._wishes[job.id].amounts
                    self._claim(job, self._quotas.within_nominal(job.project, amounts))
            else:
                self._try(job)
        for job in chain.from_iterable(borrowing.values()):
            self._unclaim(job)  # kept from the rest of its project; from one another none may start
        for job in self._by_share(borrowing):
            self._try(job)
        return Plan(tuple(self._grants), self._waiting, tuple(self._preemptions), self._promises)

    def _by_share(self, borrowing: Mapping[str, Sequence[Job]]) -> Iterator[Job]:
        """Each time the next job of the project that would have borrowed the least with it."""
        heap: list[tuple[Share, Turn, int, Job]] = []

        def push(project: str, number: int) -> None:
            if number < len(borrowing[project]):
                job = borrowing[project][number]
                share = self._answers.share(project, self._wishes[job.id])
                heapq.heappush(heap, (share, self._turns[job.id], number, job))

        for project in borrowing:
            push(project, 0)
        while heap:
            _, _, number, job = heapq.heappop(heap)
            yield job
            push(job.project, number + 1)

    def _borrows(self, job: Job) -> bool:
        if job.project not in self._quotas.of:
            return False
        return self._answers.borrows(job.project, self._wishes[job.id])

    def _try(self, job: Job) -> None:
        """Start it, or have room made for it, or say why it waits."""
        wish, lack = self._wishes[job.id], None
        if job.project in self._quotas.of:
            self._unclaim(job)
            lack = self._answers.lack(job.project, wish)
            if lack is not None and lack.is_for_ever:
                self._waiting[job.id] = lack.told
                return
        if lack is None:
            spots = self._spots(job)
            if spots is not None:
                lack = self._lack_there(job, spots)
                if lack is None:
                    self._grant(job, spots)
                    return
        if self._clear(job, wish.amounts):
            return
        if lack is not None:
            self._waiting[job.id] = lack.told
            if job.project not in self._claims and (
                self._is_patient(job) or not self._borrows(job)
            ):
                self._claim(job, wish.amounts)
            return
        self._waiting[job.id] = self._explain(job)
        self._reserve(job)

    # --- starting

    def _spots(self, job: Job) -> Sequence[Spot] | None:
        """Where there is room for all of its members that is kept for nobody else."""
        wish, ends_at = self._wishes[job.id], self._ends_at(job)
        if ends_at in wish.nowhere:
            return None
        found: list[Spot] = []
        while len(found) < wish.gang:
            spot = self._spot(job, ends_at)
            if spot is None:
                break
            found.append(spot)
            if wish.gang > 1:
                self._take(job, spot)
        if wish.gang > 1:
            for spot in found:
                self._placement.give(spot, job.spec.resources)
                self._reservations.give(spot, job.spec.resources, ends_at)
        if len(found) < wish.gang:
            wish.nowhere.add(ends_at)
            return None
        return found

    def _spot(self, job: Job, ends_at: datetime | None) -> Spot | None:
        """Where there is room for one of them."""
        resources, wish = job.spec.resources, self._wishes[job.id]
        shut = self._reservations.shut(wish.shape, ends_at) | self._barred(job)
        spot = self._placement.best(wish.shape, without=shut)
        while spot is not None and not self._reservations.permits(spot, resources, ends_at):
            shut.add(spot.number)
            spot = self._placement.best(wish.shape, without=shut)
        return spot

    def _take(self, job: Job, spot: Spot) -> None:
        self._placement.take(spot, job.spec.resources)
        self._reservations.take(spot, job.spec.resources, self._ends_at(job))

    def _barred(self, job: Job) -> set[int]:
        return self._without_sandbox if job.spec.sandbox else set()

    @cached_property
    def _without_sandbox(self) -> set[int]:
        nodes = enumerate(space.node for space in self._placement.free)
        return {number for number, node in nodes if not node.capacity.sandbox}

    def _ends_at(self, job: Job) -> datetime | None:
        return (
            self._endings.of_job(job, self._wishes[job.id].shape) if self._is_backfilling else None
        )

    def _lack_there(self, job: Job, spots: Sequence[Spot]) -> Lack | None:
        """What its quota lacks once it is known which kind of devices it gets."""
        if not spots[0].devices or job.project not in self._quotas.of:
            return None
        lacking = self._quotas.lacking(job.project, self._amounts_at(job, spots))
        amounts = self._wishes[job.id].amounts
        return None if lacking is None else lack_of(self._quotas, job.project, amounts, lacking)

    def _amounts_at(self, job: Job, spots: Sequence[Spot]) -> Amounts:
        return total(amounts_of(job.spec.resources, self._kinds_at(spot) or None) for spot in spots)

    def _kinds_at(self, spot: Spot) -> list[str]:
        devices = self._node_of(spot).capacity.devices
        return [device.kind for device in devices if device.id in spot.devices]

    def _grant(self, job: Job, spots: Sequence[Spot]) -> None:
        for spot in spots:
            self._take(job, spot)
        self._hold(job.project, self._amounts_at(job, spots))
        berths = tuple(Berth(self._node_of(spot), spot.devices) for spot in spots)
        self._grants.append(Grant(job, berths))

    def _hold(self, project: str, amounts: Amounts) -> None:
        self._quotas.take(project, amounts)
        self._soon.take(project, amounts)

    # --- making room

    def _keep_promise(self, job: Job) -> bool:
        """Start the job, or go on making room for it; False where nothing of that helps any more."""
        amounts = self._wishes[job.id].amounts
        spots = self._spots(job)
        if (
            spots is not None
            and self._quotas.lacking(job.project, amounts) is None
            and self._lack_there(job, spots) is None
        ):
            self._grant(job, spots)
            return True
        if self._soon.lacking(job.project, amounts) is not None:
            return False
        nodes = self._pool.promises[job.id]
        if spots is not None:
            nodes = self._nodes_of(spots)
        elif not self._spaces_soon.has_room(job.spec.resources, job.spec.gang, nodes):
            return False
        self._promise(job, amounts, spots, Clearing(nodes, ()))
        return True

    def _clear(self, job: Job, amounts: Amounts) -> bool:
        """Whether others were found that make room for it."""
        quota = self._quotas.of.get(job.project)
        if quota is None or quota.reclaim is quota.preempt is Stops.NEVER:
            return False
        wish = (job.project, job.priority, self._wishes[job.id])
        if wish in self._hopeless or self._clearings >= MOST_CLEARINGS:
            return False
        self._clearings += 1
        spots, barred = self._spots(job), self._barred(job)
        resources, size = job.spec.resources, job.spec.gang
        claim = Claim(job.project, job.priority, resources, amounts, size)
        others = self._roomiest_of(job) if size > 1 else ()
        roomy = (
            self._spaces_soon.roomy(resources, size, others, barred)
            if spots is None
            else self._nodes_of(spots)
        )
        space = partial(self._spaces_soon.space, barred=barred)
        clearing = clear(claim, self._stoppable, self._soon, roomy, space, others)
        if clearing is None:
            # Room and quota only shrink while a decision is made.
            self._hopeless.add(wish)
            return False
        self._promise(job, amounts, spots, clearing)
        return True

    def _promise(
        self, job: Job, amounts: Amounts, spots: Sequence[Spot] | None, clearing: Clearing
    ) -> None:
        """Ask the victims to stop, and keep room and quota for the job until they have."""
        leases = [lease for victim in clearing.victims for lease in victim.leases]
        if spots is not None:
            for spot in spots:
                self._take(job, spot)
        else:
            self._spaces_soon.keep(job.spec.resources, job.spec.gang, clearing.nodes, leases)
        for victim in clearing.victims:
            self._soon.give(victim.project, victim.amounts)
            self._preemptions.append(Preemption(victim.job, job))
        for lease in leases:
            self._spaces_soon.leave(lease)
        victims = {victim.job for victim in clearing.victims}
        if victims:
            self._stoppable = [x for x in self._stoppable if x.job not in victims]
        self._hold(job.project, amounts)
        self._promises[job.id] = clearing.nodes
        names = [self._placement.free[self._numbers[node]].node.name for node in clearing.nodes]
        stopping = len(leases) or self._spaces_soon.leaving(clearing.nodes)
        self._waiting[job.id] = being_cleared(names, stopping)

    def _node_of(self, spot: Spot) -> Node:
        return self._placement.free[spot.number].node

    def _nodes_of(self, spots: Sequence[Spot]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._node_of(spot).id for spot in spots))

    def _roomiest_of(self, job: Job) -> list[str]:
        """Nodes that are looked at for it, those with the most left first."""
        numbers = islice(self._roomiest(job), MOST_LOOKED_AT + job.spec.gang - 1)
        return [self._placement.free[number].node.id for number in numbers]

    # --- waiting

    def _is_patient(self, job: Job) -> bool:
        return self._pool.now - job.created_at >= PATIENCE

    def _claim(self, job: Job, amounts: Amounts) -> None:
        """Keep quota for the first job of a project that lacks it: later ones would take it."""
        if job.project not in self._claims:
            self._claims[job.project] = (job.id, amounts)
            self._hold(job.project, amounts)

    def _unclaim(self, job: Job) -> None:
        claimant, amounts = self._claims.get(job.project, ("", {}))
        if claimant == job.id:
            del self._claims[job.project]
            self._quotas.give(job.project, amounts)
            self._soon.give(job.project, amounts)

    def _explain(self, job: Job) -> Waiting:
        wish = self._wishes[job.id]
        if wish not in self._explained:
            nodes = self._pool.nodes
            if wish.is_sandboxed:
                nodes = [node for node in nodes if node.capacity.sandbox]
            found = explain(job.spec.resources, nodes, self._pool.silent, wish.gang)
            self._explained[wish] = found
        return self._explained[wish]

    def _reserve(self, job: Job) -> None:
        """Keep nodes for the first job that waits for room, from when that is expected; and whole
        nodes for those that have waited long without knowing when, so that none is starved."""
        wish = self._wishes[job.id]
        may_keep_whole = self._kept_whole < MOST_KEPT_WHOLE and self._is_patient(job)
        if self._is_backfilling and not may_keep_whole:
            return
        if not self._spaces.idle.has_room(wish.asked):
            return  # it waits for another node, and must not keep others from this one
        if not self._is_backfilling:
            self._is_backfilling = True
            opening = self._earliest(job)
            if opening is not None:
                at, last = opening.at, opening.last
                after = last.job if last.project == job.project else None
                known = replace(self._waiting[job.id], hint=None, eta=at, after=after)
                self._waiting[job.id] = known
                if self._pool.now - job.created_at < TRUST:
                    for number, later in opening.later.items():
                        self._reservations.keep(number, at, later)
                    return
        if not may_keep_whole:
            return
        left = job.spec.gang
        for number in self._roomiest(job):
            self._kept_whole += 1
            self._reservations.keep(number, None, None)
            idle = self._spaces.idle.spaces[self._placement.free[number].node.id]
            left -= idle.holds(wish.shape, left)
            if not left:
                return

    def _earliest(self, job: Job) -> Opening | None:
        """When there is room for all of its members, if what runs ends as expected."""
        looked_at = islice(self._roomiest(job), MOST_LOOKED_AT + job.spec.gang - 1)
        now = {number: self._placement.free[number] for number in looked_at}
        ends = [End(at, number, x) for number in now for at, x in self._ends_on(now[number])]
        return earliest(job.spec.resources, job.spec.gang, now, ends)

    def _ends_on(self, space: Free) -> Iterator[tuple[datetime, Lease]]:
        """When what runs there is expected to end, where that is known."""
        for lease in self._spaces.held_on(space.node.id):
            is_leaving = lease.job in self._pool.stopping
            end = self._pool.now if is_leaving else self._endings.of_lease(lease)
            if end is not None:
                yield end, lease

    def _roomiest(self, job: Job) -> Iterator[int]:
        """Nodes that could run it if they were idle and are not kept, those with the most left first."""
        able, barred = self._spaces.idle.on(self._wishes[job.id].shape), self._barred(job)
        for number in self._placement.roomiest():
            is_able = self._placement.free[number].node.id in able and number not in barred
            if is_able and number not in self._reservations:
                yield number


def _held_back(job: Job, pool: PoolSnapshot) -> Waiting | None:
    if pool.is_draining:
        return Waiting("The installation is going down", "It starts after the next `pileus up`.")
    if job.spec.sandbox and pool.nodes and not any(n.capacity.sandbox for n in pool.nodes):
        return Waiting(
            "It asks for a sandbox, and no node that answers can make one",
            "Install bubblewrap on a node and restart its worker; `pileus doctor` says what is"
            " missing.",
        )
    if job.not_before is not None and job.not_before > pool.now:
        seconds = math.ceil((job.not_before - pool.now).total_seconds())
        return Waiting(f"Waits {seconds} s before the next attempt: {job.reason}")
    return None
