"""What quotas answer about jobs that ask alike: found once, until what the cohort of their project holds changes.

Of a long queue most jobs are refused, and for the same reason as the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple, TypeVar, cast

from pileus.core.schemas.quota import Limit
from pileus.jobs.policy.quota import Amounts, Quotas
from pileus.jobs.policy.wishes import Wish
from pileus.jobs.reasons import Waiting, beyond_quota, lacks_quota

T = TypeVar("T")


class Lack(NamedTuple):
    """That a quota has not enough left, or never has."""

    told: Waiting
    is_for_ever: bool = False


class Share(NamedTuple):
    """A fraction that is compared fast: two whose floats differ do so in the same direction."""

    about: float
    exact: Fraction


class Answers:
    """Asks quotas, which may change between two questions."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self._known: dict[object, tuple[int, object]] = {}
        self._shares: dict[Fraction, Share] = {}

    def borrows(self, project: str, wish: Wish) -> bool:
        """Whether the project would hold borrowed quota with such a job."""
        return self._ask(Quotas.borrows, project, wish)

    def share(self, project: str, wish: Wish) -> Share:
        """The share that the project would borrow with such a job; equal ones are one object."""
        return self._ask(self._share, project, wish)

    def lack(self, project: str, wish: Wish) -> Lack | None:
        """Why the project may not hold such a job now, if it may not."""
        return self._ask(_lack, project, wish)

    def _share(self, quotas: Quotas, project: str, amounts: Amounts) -> Share:
        exact = quotas.share(project, amounts)
        return self._shares.setdefault(exact, Share(float(exact), exact))

    def _ask(self, question: Callable[[Quotas, str, Amounts], T], project: str, wish: Wish) -> T:
        state, key = self._quotas.state(project), (question, project, wish)
        known = self._known.get(key)
        if known is None or known[0] != state:
            known = self._known[key] = (state, question(self._quotas, project, wish.amounts))
        return cast("T", known[1])


def lack_of(quotas: Quotas, project: str, amounts: Amounts, resource: str) -> Lack:
    """Of a resource, for what a job asks for."""
    return Lack(lacks_quota(*_asked(quotas, project, amounts, resource)))


def _lack(quotas: Quotas, project: str, amounts: Amounts) -> Lack | None:
    never = quotas.never(project, amounts)
    if never is not None:
        return Lack(beyond_quota(*_asked(quotas, project, amounts, never)), is_for_ever=True)
    lacking = quotas.lacking(project, amounts)
    return None if lacking is None else lack_of(quotas, project, amounts, lacking)


def _asked(quotas: Quotas, project: str, amounts: Amounts, resource: str) -> tuple[str, int, Limit]:
    asked = quotas.limited(project, amounts)
    return resource, asked.get(resource, 0), quotas.of[project].limits[resource]
