"""Makes images grey."""

from __future__ import annotations

from pileus.core.schemas.transform import Grey
from pileus.data.clean.images.redrawing import redrawn, same_format
from pileus.data.clean.images.resize import renamed
from pileus.data.clean.images.stage import Change, Stage


def grey(step: Grey, stage: Stage, seed: int) -> Change:
    del step, seed
    return renamed(redrawn(stage, lambda image: image.convert("L"), same_format))
