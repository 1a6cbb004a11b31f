"""Changes the pixels or the format of every image: what resizing, encoding and grey share."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from PIL import Image

from pileus.data.clean.images.stage import Change, Picture, Stage, counted
from pileus.data.clean.tally import Tally
from pileus.data.image_facts import check
from pileus.data.images import decode

Drawing = Callable[[Image.Image], Image.Image]
_GREY_MODES = {"1", "L", "I", "I;16", "I;16B", "I;16L", "I;16N"}


def redrawn(stage: Stage, draw: Drawing, format_of: Callable[[Picture], str]) -> Change:
    """Every image upright, as 8-bit grey or RGB, changed by `draw`; the format decides the bytes."""
    tally = Tally()

    def pictures() -> Iterator[Picture]:
        for picture in counted(stage, tally):
            data = encoded(draw(opened(picture)), format_of(picture))
            tally.changed += data != picture.data
            yield picture._replace(data=data)

    return Change(pictures(), tally)


def opened(picture: Picture) -> Image.Image:
    """The image as training sees it: turned as its camera said, transparency over white."""
    is_grey = check(picture.data, picture.path).mode in _GREY_MODES
    pixels = decode(picture.data, "L" if is_grey else "RGB", picture.path)
    return Image.fromarray(pixels[:, :, 0] if is_grey else pixels)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """The bytes of an image file."""
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def same_format(picture: Picture) -> str:
    """PNG, which loses nothing, but for the plain PGM and PPM that IDX files become."""
    return "PPM" if picture.data[:2] in {b"P5", b"P6"} else "PNG"
