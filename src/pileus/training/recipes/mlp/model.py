"""
A multi-layer perceptron: layers of weighted sums with a bend after each.

Without the bend (ReLU) two layers would be worth one. Dropout silences some units in each step, so
that none relies on a single other.
"""

from __future__ import annotations

from math import prod

from torch import Tensor, nn

from pileus.training.recipes.mlp.recipe import MlpConfig


class Mlp(nn.Module):
    """Rows of any shape, flattened, to scores (rows, outputs)."""

    def __init__(
        self, features: int, outputs: int, hidden: int = 128, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, outputs),
        )

    def forward(self, rows: Tensor) -> Tensor:
        scores: Tensor = self.layers(rows)
        return scores


def build(config: MlpConfig, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """The network for one input of `shape`."""
    return Mlp(prod(shape), outputs, config.hidden, config.dropout)
