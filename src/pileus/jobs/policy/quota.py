"""What projects may hold at once: nominal quotas, and what a cohort lends of them.

As in the model of Kueue (ClusterQueue and Cohort, https://kueue.sigs.k8s.io/docs/concepts/): a
project may always hold its nominal quota. What the projects of a cohort do not use of theirs, up to
the lending limit of each, the others may borrow, up to the borrowing limit of each. A project
without a quota, and a resource that a quota does not name, are not limited.

Those that borrow take turns by the least weighted dominant share: of all resources, the largest
share of what its cohort has to lend that a project holds beyond its nominal quota (Ghodsi et al.,
Dominant Resource Fairness, NSDI 2011; the cohort's form of it is Kueue's fair sharing).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from pileus.core.schemas.quota import Limit, Quota
from pileus.core.schemas.resources import Resources
from pileus.jobs.policy.devices import usable_devices

Amounts = Mapping[str, int]
"""Resource, as a quota names it → how much of it."""

_GPU = "gpu_milli:"


def amounts_of(resources: Resources, kinds: Sequence[str] | None = None) -> dict[str, int]:
    """What a job holds, on devices of these kinds; before they are known, of the kind it asks for."""
    gpu = resources.gpu_milli
    found = {"cpu_milli": resources.cpu_milli, "memory_mib": resources.memory_mib}
    if gpu:
        found["gpu_milli"] = gpu
        if kinds is None:
            kinds = [resources.gpu_kind] if resources.gpu_kind else []
        for kind in kinds:
            name = _GPU + kind.lower()
            found[name] = found.get(name, 0) + gpu // len(kinds)
    found.update({f"custom:{name}": amount for name, amount in resources.custom.items()})
    return found


def total(parts: Iterable[Amounts]) -> dict[str, int]:
    """The sum of amounts."""
    found: dict[str, int] = {}
    for amounts in parts:
        for resource, amount in amounts.items():
            found[resource] = found.get(resource, 0) + amount
    return found


class Quotas:
    """The quotas of an installation, and how much of each is held."""

    def __init__(
        self, quotas: Iterable[Quota], used: Mapping[str, Mapping[str, int]] | None = None
    ) -> None:
        self.of: dict[str, Quota] = {quota.project: quota for quota in quotas}
        self._cohorts: dict[str, list[Quota]] = defaultdict(list)
        for quota in self.of.values():
            self._cohorts[_cohort_of(quota)].append(quota)
        self._used: dict[str, dict[str, int]] = {project: {} for project in self.of}
        self._lendable: dict[tuple[str, str], int] = defaultdict(int)
        self._lent: dict[tuple[str, str], int] = defaultdict(int)
        """Cohort and resource → what of it is held by those that hold more than they keep."""

        self._states: dict[str, int] = defaultdict(int)
        for quota in self.of.values():
            for resource, limit in quota.limits.items():
                self._lendable[_cohort_of(quota), resource] += limit.nominal - _kept(limit)
            for resource, amount in (used or {}).get(quota.project, {}).items():
                self._add(quota, resource, amount)

    def copy(self) -> Quotas:
        """The same, to be changed apart."""
        return Quotas(self.of.values(), self._used)

    def take(self, project: str, amounts: Amounts) -> None:
        """The project holds this much more, whether or not its quota has it."""
        self._change(project, amounts, 1)

    def give(self, project: str, amounts: Amounts) -> None:
        """It holds this much less."""
        self._change(project, amounts, -1)

    def state(self, project: str) -> int:
        """Another number whenever what the project's cohort holds changes: until then, every answer
        about the project stays."""
        quota = self.of.get(project)
        return 0 if quota is None else self._states[_cohort_of(quota)]

    def used(self, project: str, resource: str) -> int:
        """What a project with a quota holds."""
        return self._used[project].get(resource, 0)

    def lacking(self, project: str, amounts: Amounts) -> str | None:
        """The first resource of which the project may not hold so much more now; None if it may."""
        quota = self.of.get(project)
        if quota is None:
            return None
        for resource, amount in _limited(quota, amounts):
            if amount > self._available(quota, resource):
                return resource
        return None

    def never(self, project: str, amounts: Amounts) -> str | None:
        """The first resource of which it may not hold so much even if nobody held anything."""
        quota = self.of.get(project)
        if quota is None:
            return None
        for resource, amount in _limited(quota, amounts):
            limit = quota.limits[resource]
            others = self._lendable[_cohort_of(quota), resource] - (limit.nominal - _kept(limit))
            borrowing = others if limit.borrowing is None else min(limit.borrowing, others)
            if amount > limit.nominal + borrowing:
                return resource
        return None

    def borrows(self, project: str, amounts: Amounts) -> bool:
        """Whether the project would hold borrowed quota if it held so much more."""
        quota = self.of.get(project)
        return quota is not None and any(
            self.used(project, resource) + amount > quota.limits[resource].nominal
            for resource, amount in _limited(quota, amounts)
        )

    def limited(self, project: str, amounts: Amounts) -> dict[str, int]:
        """What of these amounts the project's quota limits."""
        quota = self.of.get(project)
        return {} if quota is None else dict(_limited(quota, amounts))

    def within_nominal(self, project: str, amounts: Amounts) -> dict[str, int]:
        """As much of these amounts as its nominal quota has left."""
        limits = self.of[project].limits
        return {
            resource: max(0, min(amount, limits[resource].nominal - self.used(project, resource)))
            for resource, amount in self.limited(project, amounts).items()
        }

    def is_borrowing(self, project: str, resources: Iterable[str]) -> bool:
        """Whether it holds borrowed quota of one of these resources now."""
        limits = self.of[project].limits
        return any(
            self.used(project, resource) > limits[resource].nominal
            for resource in resources
            if resource in limits
        )

    def borrowed(self, project: str, resource: str) -> int:
        """What it holds of a resource of its quota beyond the nominal."""
        return max(0, self.used(project, resource) - self.of[project].limits[resource].nominal)

    def share(self, project: str, amounts: Amounts) -> Fraction:
        """The weighted dominant share that it would borrow if it held so much more."""
        quota = self.of[project]
        most = Fraction(0)
        asked = dict(_limited(quota, amounts))
        for resource, limit in quota.limits.items():
            borrowed = self.used(project, resource) + asked.get(resource, 0) - limit.nominal
            lendable = self._lendable[_cohort_of(quota), resource]
            if borrowed > 0:
                most = max(most, Fraction(borrowed, max(lendable, 1)))
        return most / quota.weight

    def _available(self, quota: Quota, resource: str) -> int:
        limit = quota.limits[resource]
        used = self.used(quota.project, resource)
        kept = _kept(limit)
        key = (_cohort_of(quota), resource)
        shared = self._lendable[key] - self._lent[key]
        if limit.borrowing is not None:
            shared = min(shared, limit.nominal + limit.borrowing - max(kept, used))
        return max(0, kept - used) + shared

    def _change(self, project: str, amounts: Amounts, sign: int) -> None:
        quota = self.of.get(project)
        if quota is None:
            return
        for resource, amount in _limited(quota, amounts):
            self._add(quota, resource, sign * amount)

    def _add(self, quota: Quota, resource: str, amount: int) -> None:
        kept = _kept(quota.limits[resource])
        before = self.used(quota.project, resource)
        after = self._used[quota.project][resource] = before + amount
        self._states[_cohort_of(quota)] += 1
        self._lent[_cohort_of(quota), resource] += max(0, after - kept) - max(0, before - kept)


def _limited(quota: Quota, amounts: Amounts) -> list[tuple[str, int]]:
    """What of the amounts the quota names, each resource once, in the quota's order."""
    found = []
    for resource in quota.limits:
        amount = amounts.get(resource, 0)
        if resource.startswith(_GPU) and amounts.get("gpu_milli"):
            held = [name for name in amounts if name.startswith(_GPU)]
            places = usable_devices(
                tuple(name[len(_GPU) :] for name in held), resource[len(_GPU) :]
            )
            amount = sum(amounts[held[place]] for place in places)
        if amount:
            found.append((resource, amount))
    return found


def _kept(limit: Limit) -> int:
    """What of the nominal quota nobody else may borrow."""
    return 0 if limit.lending is None else max(0, limit.nominal - limit.lending)


def _cohort_of(quota: Quota) -> str:
    """A project without a cohort is one of its own: no name has a space in it."""
    return quota.cohort if quota.cohort is not None else f"only {quota.project}"
