"""What can be wrong with a training that its owner can put right."""

from pileus.core.errors import InvalidRequest


class UnknownRecipe(InvalidRequest, code="unknown_recipe"):
    """No recipe has that name."""


class InvalidConfig(InvalidRequest, code="invalid_config"):
    """A parameter of a recipe has an unknown name or a value that does not fit."""


class UnsuitableData(InvalidRequest, code="unsuitable_data"):
    """The recipe cannot learn from this dataset version."""


class TrainingDiverged(InvalidRequest, code="training_diverged"):
    """The loss is no longer a finite number."""
