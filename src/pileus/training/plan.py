"""What a configuration leaves open is chosen here, from the size of the data. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pileus.training.config import TrainingConfig

EXAMPLES = 250_000
"""Rows that a network sees in all, unless that is too few or too many epochs."""

MIN_EPOCHS, MAX_EPOCHS = 4, 40
SMALL = 20_000
"""Rows below which smaller batches, that is more steps, are worth their cost, and so is
augmentation: a network that sees its rows a few times each will not learn them by heart."""

NATIVE_SIDE = 32
"""Images up to this many pixels a side keep their own size."""

RESIZED_SIDE = 64
"""Larger ones become squares of this side: photos then train on two processors in a minute."""

Size = tuple[int, int]
"""Height and width."""


def complete(config: TrainingConfig, rows: int) -> TrainingConfig:
    """`config` with every open field filled in for `rows` rows to fit."""
    epochs = min(MAX_EPOCHS, max(MIN_EPOCHS, round(EXAMPLES / rows)))
    filled = {
        "epochs": config.epochs or epochs,
        "batch_size": config.batch_size or (64 if rows < SMALL else 128),
        "learning_rate": config.learning_rate or config.peak_learning_rate[config.optimizer],
        "augmentation": config.augmentation or ("light" if rows < SMALL else "none"),
    }
    return config.model_copy(update=filled)


def chosen(config: TrainingConfig) -> tuple[int, int, float]:
    """Epochs, batch size and learning rate of a completed configuration."""
    if config.epochs is None or config.batch_size is None or config.learning_rate is None:
        raise ValueError("the configuration was not completed")
    return config.epochs, config.batch_size, config.learning_rate


def image_size(config: TrainingConfig, sizes: Sequence[tuple[int, int, int]]) -> Size:
    """The size that images are resized to, given (width, height, count), most common first."""
    if config.image_size is not None:
        return config.image_size, config.image_size
    width, height, _ = sizes[0]
    if max(width, height) <= NATIVE_SIDE:
        return height, width
    return RESIZED_SIDE, RESIZED_SIDE
