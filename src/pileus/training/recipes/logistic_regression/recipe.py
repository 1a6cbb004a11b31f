"""Parameters of the recipe `logistic-regression`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from pileus.training.config import Optimizer, TrainingConfig


class LogisticRegressionConfig(TrainingConfig):
    """A weight for each feature and class: the baseline that others must beat."""

    tasks = frozenset({"classification"})
    peak_learning_rate: ClassVar[Mapping[Optimizer, float]] = {"adam": 1e-2, "sgd": 0.1}

    weight_decay: float = Field(default=0.01, ge=0, le=10)


def recipe(parameters: Mapping[str, Any]) -> LogisticRegressionConfig:
    return LogisticRegressionConfig.model_validate(parameters)
