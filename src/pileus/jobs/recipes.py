"""What the engine asks of the recipe catalogue; `server/wiring.py` gives it the real one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class PreparedRecipe:
    """A recipe with its parameters checked and completed."""

    params: Mapping[str, Any]
    """What the attempt reads as `params`."""

    entry: str
    """Module whose `main` runs in the attempt."""

    environment: str
    """Which zygote forks it."""

    code_digest: str
    kinds: frozenset[str]
    """Kinds of dataset that it trains on."""

    tasks: frozenset[str]
    """What it can learn: `classification`, `regression`."""

    otherwise: str
    """A recipe for what this one does not suit."""


class RecipeCatalogue(Protocol):
    """Knows recipes by name."""

    def prepare(self, recipe: str, config: Mapping[str, Any]) -> PreparedRecipe:
        """Check and complete `config`. Raises InvalidRequest naming the parameter."""
        ...
