"""Stores images in one format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pileus.core.schemas.transform import Encode
from pileus.data.clean.images.redrawing import encoded, opened
from pileus.data.clean.images.renaming import Endings
from pileus.data.clean.images.stage import Change, Picture, Stage, counted
from pileus.data.clean.tally import Tally


def encode(step: Encode, stage: Stage, seed: int) -> Change:
    del seed
    tally = Tally()
    endings = Endings()
    options: dict[str, Any] = {"quality": step.quality} if step.format in {"jpeg", "webp"} else {}
    form = "PPM" if step.format == "pgm" else step.format

    def pictures() -> Iterator[Picture]:
        for picture in counted(stage, tally):
            image = opened(picture)
            data = encoded(image.convert("L") if step.format == "pgm" else image, form, **options)
            tally.changed += data != picture.data
            yield picture._replace(path=endings.path(picture.path, step.format), data=data)

    return Change(pictures(), tally)
