"""What a pool of equal nodes has free, in whole GPUs.

A job of more GPUs than a node has gets whole nodes, as many as it needs, and holds all their GPUs: one
of 12 on nodes of 8 holds 16. A smaller one is on a single node, the fullest that takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from benchmarks.simulation.turns import Claim

Place = tuple[int, ...]
"""Numbers of nodes."""


class NodeSpace:
    """Nodes by number, and who is on each."""

    def __init__(self, nodes: int, gpus: int, restart_cost: Callable[[str], float]) -> None:
        self.gpus = gpus
        self.free = [gpus] * nodes
        self.on: list[dict[str, int]] = [{} for _ in range(nodes)]
        self.places: dict[str, Place] = {}
        self._restart_cost = restart_cost
        """What is lost when a job is stopped; its own measure."""

    def best(self, claim: Claim, free: Sequence[int] | None = None) -> Place | None:
        """The fullest node that takes the job, or enough empty ones; if so many GPUs were `free`."""
        wanted, share = self._split(claim)
        able = [
            (left, number)
            for number, left in enumerate(self.free if free is None else free)
            if left >= share
        ]
        if len(able) < wanted:
            return None
        if wanted == 1:
            return (min(able)[1],)
        return tuple(number for _, number in able[:wanted])

    def take(self, claim: Claim, place: Place) -> None:
        """Give the job the place."""
        _, share = self._split(claim)
        job = claim.turn.job
        self.occupy(self.free, claim, place)
        for number in place:
            self.on[number][job] = share
        self.places[job] = place

    def occupy(self, free: list[int], claim: Claim, place: Place) -> None:
        """Take what the job would hold there out of what is `free`."""
        _, share = self._split(claim)
        for number in place:
            free[number] -= share

    def release(self, job: str) -> None:
        """The job is gone."""
        for number in self.places.pop(job):
            self.free[number] += self.on[number].pop(job)

    def cleared(
        self, claim: Claim, stoppable: Collection[str]
    ) -> tuple[Place, Sequence[str]] | None:
        """The nodes on which stopping jobs loses the least; those jobs leave at once."""
        if not stoppable:
            return None
        wanted, share = self._split(claim)
        found: list[tuple[float, int, tuple[str, ...]]] = []
        for number, free in enumerate(self.free):
            victims: list[str] = []
            lost = 0.0
            missing = share - free
            if missing > 0:
                cheapest = sorted(
                    (self._restart_cost(job), job) for job in self.on[number] if job in stoppable
                )
                for cost, job in cheapest:
                    victims.append(job)
                    lost += cost
                    missing -= self.on[number][job]
                    if missing <= 0:
                        break
            if missing <= 0:
                found.append((lost, number, tuple(victims)))
        if len(found) < wanted:
            return None
        chosen = sorted(found)[:wanted]
        stopped = {job: None for _, _, victims in chosen for job in victims}
        for job in stopped:
            self.release(job)
        return tuple(number for _, number, _ in chosen), tuple(stopped)

    def _split(self, claim: Claim) -> tuple[int, int]:
        """On how many nodes, and how many GPUs on each."""
        gpus = claim.request
        assert isinstance(gpus, int)
        return (1, gpus) if gpus <= self.gpus else (-(-gpus // self.gpus), self.gpus)
