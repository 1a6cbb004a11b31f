"""Parameters of the recipe `mlp`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from pileus.training.config import Optimizer, TrainingConfig


class MlpConfig(TrainingConfig):
    """Two hidden layers, for tables and small images, classes and numbers."""

    peak_learning_rate: ClassVar[Mapping[Optimizer, float]] = {"adam": 3e-3, "sgd": 0.03}

    hidden: int = Field(default=128, ge=1, le=65_536)
    """Units in each of the two hidden layers."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of each hidden layer that is silenced at random in each step."""


def recipe(parameters: Mapping[str, Any]) -> MlpConfig:
    return MlpConfig.model_validate(parameters)
