"""The parameters that every recipe takes. Values only: no torch, no data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Optimizer = Literal["adam", "sgd"]
Augmentation = Literal["none", "light"]


class TrainingConfig(BaseModel):
    """How a recipe trains. A field that is None is chosen from the data, by `plan.py`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    peak_learning_rate: ClassVar[Mapping[Optimizer, float]]
    """What `learning_rate` is when it is not given, for each optimizer."""

    kinds: ClassVar[frozenset[str]] = frozenset({"images", "table"})
    """Kinds of dataset that the recipe trains on."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression"})
    """What it can learn."""

    epochs: int | None = Field(default=None, ge=1, le=100_000)
    """Passes over the training part; more for few rows, fewer for many when absent."""

    batch_size: int | None = Field(default=None, ge=1, le=65_536)
    """Rows for each step of the optimizer."""

    learning_rate: float | None = Field(default=None, gt=0, le=100)
    """Peak of the one-cycle schedule."""

    optimizer: Optimizer = "adam"
    """`adam`, or `sgd` with momentum."""

    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Of `sgd`."""

    weight_decay: float = Field(default=0.0, ge=0, le=10)
    """Pull of the weights towards zero, apart from the gradient (decoupled) for `adam`."""

    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of the probability that the loss asks for on the other classes."""

    patience: int = Field(default=10, ge=1)
    """Epochs without a better validation loss after which training stops."""

    validation: float = Field(default=0.1, gt=0, le=0.5)
    """Share of the training part that is held back to choose the epoch."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Of weights, order, dropout, augmentation and the validation part."""

    image_size: int | None = Field(default=None, ge=4, le=1024)
    """Pixels a side that images are resized to; see `plan.py` for the default."""

    augmentation: Augmentation | None = "none"
    """`light` turns, scales and shifts each image a little, differently in each epoch."""
