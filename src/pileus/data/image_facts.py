"""
What an image file is: format, mode and size, known by decoding all of it.

Imports Pillow and not numpy, so that processes that only check start fast. Formats are named, so
that no decoder runs that nobody asked for (EPS would start Ghostscript).
"""

from __future__ import annotations

import io
import warnings
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from pileus.data.errors import ImageDamaged, ImageTooLarge
from pileus.data.plain_png import plain_png

_COMMON = ("PNG", "JPEG", "BMP", "GIF", "PPM")
_RARE = ("WEBP", "TIFF")
FORMATS = (*_COMMON, *_RARE)

MAX_PIXELS = 89_478_485  # 256 MiB as RGB; Pillow itself warns from here on
_ORIENTATION = 0x0112
_TURNING = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})
"""Where a PNG may say which way is up."""

# Cameras write broken EXIF blocks into good images; Pillow says so on stderr for each of them.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class Facts(NamedTuple):
    """What an image is, before any conversion; sizes as a viewer shows it."""

    mode: str
    width: int
    height: int


def check(data: bytes, name: str | None = None) -> Facts:
    """Decode all of an image and say what it is. Raises ImageDamaged or ImageTooLarge."""
    plain = plain_png(data)
    if plain is not None:
        return Facts(*plain)
    what = named(name)
    image = open_image(data, what)
    mode = image.mode
    if mode == "F":
        raise ImageDamaged(
            f"{what} has 32-bit floating-point pixels",
            hint="Save it with 8 or 16 bits per channel.",
        )
    width, height = image.size
    if orientation(image) in (5, 6, 7, 8):
        width, height = height, width
    return Facts(mode, width, height)


def open_image(data: bytes, what: str) -> Image.Image:
    """The first frame, decoded to its last byte."""
    if not data:
        raise ImageDamaged(f"{what} is empty (0 bytes)", hint="Remove it or put it there again.")
    try:
        image = _opened(data)
        if image.width * image.height <= MAX_PIXELS:
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(what) from error
    except UnidentifiedImageError as error:
        raise ImageDamaged(
            f"{what} is not an image, or of a format that is not read; it begins with {data[:8]!r}",
            hint=f"Use one of {', '.join(FORMATS)}.",
        ) from error
    except Exception as error:  # a decoder may raise anything at all on damaged bytes
        raise damaged(what, error) from error
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(what)
    if not image.width or not image.height:
        raise ImageDamaged(f"{what} has no pixels: {image.size!r}", hint="Remove it.")
    return image


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_COMMON)
    except UnidentifiedImageError:
        # Asked for a format whose reader is not there yet, Pillow would fetch those of all forty.
        from PIL import TiffImagePlugin, WebPImagePlugin  # noqa: F401  few images need them

        return Image.open(io.BytesIO(data), formats=_RARE)


def orientation(image: Image.Image) -> int:
    """EXIF's number for which way is up, of a decoded image."""
    if image.format == "PNG" and _TURNING.isdisjoint(image.info):
        return 1  # asking Pillow takes as long as decoding a small image
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  a broken EXIF block does not make the pixels wrong
        return 1


def named(name: str | None) -> str:
    """How errors call the image."""
    return "The image" if name is None else f"Image {name!r}"


def _too_large(what: str) -> ImageTooLarge:
    return ImageTooLarge(
        f"{what} has more than {MAX_PIXELS:,} pixels", hint="Save it with fewer pixels."
    )


def damaged(what: str, error: Exception) -> ImageDamaged:
    """What to raise when decoding failed."""
    return ImageDamaged(
        f"{what} is damaged: {str(error) or type(error).__name__}",
        hint="Remove it or put a whole copy in its place.",
    )
