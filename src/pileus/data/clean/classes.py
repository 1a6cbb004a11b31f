"""Refuses steps that name a class which is not there: a misspelt one would change nothing."""

from __future__ import annotations

from collections.abc import Iterable

from pileus.data.clean.errors import StepRefused


def check_known(named: Iterable[str], classes: Iterable[str]) -> None:
    """Raises StepRefused."""
    known = sorted(set(classes))
    for name in named:
        if name not in known:
            raise StepRefused(
                f"There is no class {name!r}",
                hint=f"Classes: {', '.join(map(repr, known[:50]))}.",
            )
