"""Gives images one size."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image, ImageOps

from pileus.core.schemas.transform import Resize
from pileus.data.clean.images.redrawing import redrawn, same_format
from pileus.data.clean.images.renaming import Endings
from pileus.data.clean.images.stage import Change, Picture, Stage

_BILINEAR = Image.Resampling.BILINEAR  # as `data/images.py` resizes


def resize(step: Resize, stage: Stage, seed: int) -> Change:
    del seed
    size = (step.width, step.height)

    def draw(image: Image.Image) -> Image.Image:
        if image.size == size:
            return image
        if step.how == "stretch":
            return image.resize(size, _BILINEAR)
        if step.how == "crop":
            return ImageOps.fit(image, size, _BILINEAR)
        return ImageOps.pad(image, size, _BILINEAR, color=_border(image))

    return renamed(redrawn(stage, draw, same_format))


def renamed(change: Change) -> Change:
    """The same images, at paths that end as their format says."""
    endings = Endings()

    def pictures() -> Iterator[Picture]:
        for picture in change.pictures:
            form = _PLAIN.get(picture.data[:2], "png")
            yield picture._replace(path=endings.path(picture.path, form))

    return Change(pictures(), change.tally)


_PLAIN = {b"P5": "pgm", b"P6": "ppm"}


def _border(image: Image.Image) -> int | tuple[int, int, int]:
    return 0 if image.mode == "L" else (0, 0, 0)
