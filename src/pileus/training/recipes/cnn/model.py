"""
A convolutional network, small enough for a laptop.

Two convolutions look for local patterns, first strokes, then shapes made of strokes; pooling after
each keeps the strongest answer of every 2x2 pixels, so that a pattern may move a little. A dense
layer weighs the shapes found, and a last one gives a score to each class.
"""

from __future__ import annotations

from torch import Tensor, nn

from pileus.training.errors import UnsuitableData
from pileus.training.recipes.cnn.recipe import CnnConfig

UNPADDED_FROM = 22
"""Pixels a side from which the borders are rich enough to lose a pixel at each convolution."""

SMALLEST = 4
"""Pixels a side that are one pixel after both poolings."""


class Cnn(nn.Module):
    """Images (rows, channels, height, width) to scores (rows, outputs)."""

    def __init__(
        self, channels: int, height: int, width: int, outputs: int, dropout: float = 0.5
    ) -> None:
        super().__init__()
        unpadded = min(height, width) >= UNPADDED_FROM
        padding = 0 if unpadded else 1
        self.features = nn.Sequential(
            nn.Conv2d(channels, 32, kernel_size=3, padding=padding),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, kernel_size=3, padding=padding),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64 * _side(height, padding) * _side(width, padding), 128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, outputs),
        )

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.classifier(self.features(images))
        return scores


def _side(pixels: int, padding: int) -> int:
    """Pixels left of a side after both convolutions and poolings."""
    for _ in range(2):
        pixels = (pixels - 2 + 2 * padding) // 2
    return pixels


def build(config: CnnConfig, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """The network for one input of `shape`: channels, height, width."""
    if len(shape) != 3:
        raise UnsuitableData(
            "Recipe 'cnn' learns from images, and this dataset is a table",
            hint="Train it with `--recipe mlp` or `--recipe logistic-regression`.",
        )
    channels, height, width = shape
    if min(height, width) < SMALLEST:
        raise UnsuitableData(
            f"Images of {width}x{height} pixels leave nothing to see after two poolings",
            hint=f"Enlarge them with `--image-size 8`; {SMALLEST} pixels a side are the least.",
        )
    return Cnn(channels, height, width, outputs, config.dropout)
