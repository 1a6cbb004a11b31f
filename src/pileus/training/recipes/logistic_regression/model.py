"""
Logistic regression: one weighted sum of the features for each class.

Softmax turns the sums into probabilities; that part is in the loss while training and in the graph
afterwards, for every recipe alike.
"""

from __future__ import annotations

from math import prod

from torch import Tensor, nn

from pileus.training.config import TrainingConfig


class LogisticRegression(nn.Module):
    """Rows of any shape, flattened, to scores (rows, outputs)."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.weigh = nn.Linear(features, outputs)
        # The loss is convex: from zero every seed reaches the same answer.
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)

    def forward(self, rows: Tensor) -> Tensor:
        scores: Tensor = self.weigh(self.flatten(rows))
        return scores


def build(config: TrainingConfig, shape: tuple[int, ...], outputs: int) -> nn.Module:  # noqa: ARG001  every recipe's signature
    """The network for one input of `shape`."""
    return LogisticRegression(prod(shape), outputs)
