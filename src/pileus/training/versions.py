"""Opens the dataset version of an attempt as the examples that fit its kind."""

from __future__ import annotations

from pathlib import Path

from pileus.data.load import open_version
from pileus.training.config import TrainingConfig
from pileus.training.errors import InvalidConfig
from pileus.training.examples import Examples
from pileus.training.images import ImageExamples
from pileus.training.plan import image_size
from pileus.training.tables import TableExamples


def examples(directory: Path, config: TrainingConfig) -> Examples:
    """What is in `directory`. Raises errors of `data` and InvalidConfig."""
    version = open_version(directory)
    profile = version.manifest.image
    if profile is not None:
        return ImageExamples(version, profile, image_size(config, profile.sizes))
    if config.image_size is not None:
        raise InvalidConfig(
            f"Parameter 'image_size' is {config.image_size!r}, and this dataset is a table",
            hint="Leave 'image_size' out.",
        )
    return TableExamples(version)
