"""
What stands around a recipe's network: pre-processing before it, probabilities after it.

All of it is in the exported graph, so that whoever serves a model sends what people have: pixels as
they are, numbers with gaps. Every constant is computed from the rows that are fitted.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from pileus.data.raw import Round
from pileus.data.schema import Column

_ROWS = 4096
"""Rows whose statistics are taken at once, in double precision."""

_NOISE = 1e-6
"""Deviation, as a share of the mean, below which single precision sees no change."""


class ImageScaling(nn.Module):
    """Pixels 0 to 255 (rows, channels, height, width) to mean 0, deviation 1 of each channel."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.view(1, -1, 1, 1))
        self.register_buffer("deviation", deviation.view(1, -1, 1, 1))

    @classmethod
    def of(cls, pixels: Tensor) -> ImageScaling:
        """Scaling by the statistics of `pixels` (rows, channels, height, width), bytes."""
        total = torch.zeros(pixels.shape[1], dtype=torch.float64)
        squares = torch.zeros_like(total)
        for chunk in torch.split(pixels, _ROWS):
            values = chunk.to(torch.float64) / 255
            total += values.sum(dim=(0, 2, 3))
            squares += values.square().sum(dim=(0, 2, 3))
        count = pixels.numel() / pixels.shape[1]
        mean = total / count
        deviation = _usable((squares / count - mean.square()).clamp(min=0).sqrt(), mean)
        return cls(mean.float(), deviation.float())

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels / 255 - self.mean) / self.deviation


class TableScaling(nn.Module):
    """
    Features (rows, columns) to standardised numbers, then a one-hot block for each category.

    A missing number (NaN) becomes the mean; a category never seen, or missing, a block of zeros.
    """

    mean: Tensor
    deviation: Tensor
    numbers: Tensor
    categories: Tensor
    values: Tensor

    def __init__(self, columns: Sequence[Column], mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        sizes = [
            (index, len(column.values or ()))
            for index, column in enumerate(columns)
            if column.type == "category"
        ]
        kept = [index for index, column in enumerate(columns) if column.type == "number"]
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.register_buffer("numbers", torch.tensor(kept, dtype=torch.int64))
        # One entry for each output of a block: which column it reads, which code it stands for.
        owners = [index for index, size in sizes for _ in range(size)]
        codes = [float(code) for _, size in sizes for code in range(size)]
        self.register_buffer("categories", torch.tensor(owners, dtype=torch.int64))
        self.register_buffer("values", torch.tensor(codes, dtype=torch.float32))
        self.width = len(kept) + len(owners)

    @classmethod
    def of(cls, columns: Sequence[Column], features: Tensor) -> TableScaling:
        """Scaling by the statistics of `features` (rows, columns)."""
        kept = [index for index, column in enumerate(columns) if column.type == "number"]
        numbers = features[:, kept].to(torch.float64)
        mean = numbers.nanmean(dim=0).nan_to_num(0.0)
        filled = torch.where(numbers.isnan(), mean, numbers)
        deviation = _usable((filled - mean).square().mean(dim=0).sqrt(), mean)
        return cls(columns, mean.float(), deviation.float())

    def forward(self, features: Tensor) -> Tensor:
        numbers = features.index_select(1, self.numbers)
        numbers = (torch.where(numbers.isnan(), self.mean, numbers) - self.mean) / self.deviation
        if not self.categories.numel():
            return numbers
        blocks = (features.index_select(1, self.categories) == self.values).to(numbers.dtype)
        return torch.cat([numbers, blocks], dim=1)


class ImageInput(nn.Module):
    """Images as people send them, bytes (rows, height, width, channels), to the size of training."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.permute(0, 3, 1, 2).to(torch.float32)
        return functional.interpolate(
            pixels, size=self.size, mode="bilinear", align_corners=False, antialias=True
        )


class RawRows(nn.Module):
    """Rows as people have them, filled, clipped and scaled as those of the cleaned version were."""

    def __init__(self, columns: Sequence[Column], rounds: Sequence[Round]) -> None:
        super().__init__()
        codes = torch.tensor([column.type == "category" for column in columns])
        self.rounds = nn.Sequential(*(_RawRound(codes, one) for one in rounds))

    def forward(self, rows: Tensor) -> Tensor:
        changed: Tensor = self.rounds(rows)
        return changed


class _RawRound(nn.Module):
    codes: Tensor
    fill: Tensor
    low: Tensor
    high: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(self, codes: Tensor, one: Round) -> None:
        super().__init__()
        self.register_buffer("codes", codes)
        for name in ("fill", "low", "high", "centre", "scale"):
            self.register_buffer(name, torch.from_numpy(getattr(one, name)).float())

    def forward(self, rows: Tensor) -> Tensor:
        # A category that is missing, or was never seen, has a code below zero.
        absent = rows.isnan() | (self.codes & (rows < 0))
        rows = torch.where(absent & ~self.fill.isnan(), self.fill, rows)
        # By comparison, which leaves what is not a number as it is.
        rows = torch.where(rows < self.low, self.low, rows)
        rows = torch.where(rows > self.high, self.high, rows)
        return (rows - self.centre) / self.scale


class Classifier(nn.Module):
    """A fitted network as it is served: probabilities and the index of the likeliest class."""

    def __init__(self, entrance: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.entrance = entrance
        self.network = network

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        probabilities = torch.softmax(self.network(self.entrance(rows)), dim=1)
        return probabilities, probabilities.argmax(dim=1)


class Regressor(nn.Module):
    """A fitted network as it is served: a number in the unit of the label."""

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, entrance: nn.Module, network: nn.Module, mean: Tensor, deviation: Tensor
    ) -> None:
        super().__init__()
        self.entrance = entrance
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, rows: Tensor) -> Tensor:
        scaled: Tensor = self.network(self.entrance(rows))
        return scaled * self.deviation + self.mean


def _usable(deviation: Tensor, mean: Tensor) -> Tensor:
    """A feature that never changes is left near 0 instead of being divided by a rounding error."""
    return torch.where(deviation > _NOISE * mean.abs(), deviation, torch.ones_like(deviation))
