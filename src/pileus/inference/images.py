"""Turns the bytes of an image file into the tensor that a model of images takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pileus.inference.errors import InvalidTensor

if TYPE_CHECKING:
    from pileus.inference.bundle import Bundle, InputSpec

_RANK = 4  # rows, height, width, channels


class ImageTensor(NamedTuple):
    """An image as a request's tensor."""

    name: str
    datatype: str
    shape: Sequence[int]
    data: Any


def image_tensor(bundle: Bundle, data: bytes) -> ImageTensor:
    """One row for the bundle's image input. Raises InvalidTensor if it has none."""
    from pileus.data import images  # Pillow: start-up that lanes without images do without

    spec = _image_input(bundle)
    array = images.decode(data, spec.mode or "RGB")
    _, height, width, _ = spec.shape
    if height > 0 or width > 0:
        target = (
            height if height > 0 else array.shape[0],
            width if width > 0 else array.shape[1],
        )
        if array.shape[:2] != target:
            array = images.resize(array, target)
    return ImageTensor(spec.name, spec.datatype, (1, *array.shape), array.ravel())


def _image_input(bundle: Bundle) -> InputSpec:
    spec = bundle.inputs[0]
    if len(bundle.inputs) != 1 or spec.content != "image" or len(spec.shape) != _RANK:
        raise InvalidTensor(
            f"The model takes {[one.name for one in bundle.inputs]!r}, not one image",
            hint="Send JSON tensors with 'Content-Type: application/json'.",
        )
    return spec
