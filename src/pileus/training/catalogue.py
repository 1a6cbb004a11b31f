"""The recipes by name, and the check of their parameters. Imports no torch: server and CLI use it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from pydantic import ValidationError

from pileus.jobs.recipes import PreparedRecipe
from pileus.training.code_digest import code_digest
from pileus.training.config import TrainingConfig
from pileus.training.errors import InvalidConfig, UnknownRecipe

RECIPES = {
    "cnn": "pileus.training.recipes.cnn",
    "logistic-regression": "pileus.training.recipes.logistic_regression",
    "mlp": "pileus.training.recipes.mlp",
}
"""Name → package with `recipe.py` and `model.py`."""

GENERAL = "mlp"
"""The recipe for every kind of data and task."""

ENTRY = "pileus.training.main"
ENVIRONMENT = "torch"

Recipe = Callable[[Mapping[str, Any]], TrainingConfig]


class RecipeTable:
    """The engine's catalogue of recipes."""

    def prepare(self, recipe: str, config: Mapping[str, Any]) -> PreparedRecipe:
        """Check and complete `config`. Raises UnknownRecipe or InvalidConfig."""
        completed = configure(recipe, config)
        return PreparedRecipe(
            params={"recipe": recipe, "config": completed.model_dump(mode="json")},
            entry=ENTRY,
            environment=ENVIRONMENT,
            code_digest=code_digest(),
            kinds=completed.kinds,
            tasks=completed.tasks,
            otherwise=GENERAL,
        )


def configure(name: str, parameters: Mapping[str, Any]) -> TrainingConfig:
    """The configuration of a recipe. Raises UnknownRecipe, or InvalidConfig naming the parameter.

    Names may be spelt as on the command line: `batch-size` is `batch_size`.
    """
    recipe = find(name)
    try:
        return recipe({key.replace("-", "_"): value for key, value in parameters.items()})
    except ValidationError as error:
        raise _explain(error, name, parameter_names(name)) from error


def find(name: str) -> Recipe:
    """The function of a recipe. Raises UnknownRecipe."""
    if name not in RECIPES:
        raise UnknownRecipe(
            f"There is no recipe {name!r}", hint=f"Recipes are {', '.join(sorted(RECIPES))}."
        )
    return cast("Recipe", import_module(f"{RECIPES[name]}.recipe").recipe)


def parameter_names(name: str) -> list[str]:
    """The parameters that a recipe takes, in order."""
    return list(type(find(name)({})).model_fields)


def _explain(error: ValidationError, recipe: str, known: list[str]) -> InvalidConfig:
    first = error.errors()[0]
    parameter = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(parameter, known, n=1, cutoff=0.6)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        return InvalidConfig(
            f"Recipe {recipe!r} has no parameter {parameter!r}",
            hint=f"{guess}Parameters are {', '.join(known)}.",
        )
    return InvalidConfig(
        f"Parameter {parameter!r} of recipe {recipe!r} is {first['input']!r}: {first['msg']}",
        hint=f"Correct {parameter!r}, or leave it out for its default.",
    )
