"""The recipe catalogue of `training`, as the job engine asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pileus.jobs.recipes import PreparedRecipe
from pileus.training import catalogue
from pileus.training.code_digest import code_digest

ENTRY = "pileus.training.main"
ENVIRONMENT = "torch"


class TrainingRecipes:
    """Recipes run `pileus.training.main` in the zygote that has imported torch."""

    def prepare(self, recipe: str, config: Mapping[str, Any]) -> PreparedRecipe:
        """Check and complete `config`. Raises InvalidRequest naming the parameter."""
        complete = catalogue.configure(recipe, config)
        return PreparedRecipe(
            params={"recipe": recipe, "config": complete.model_dump(mode="json")},
            entry=ENTRY,
            environment=ENVIRONMENT,
            code_digest=code_digest(),
        )
