"""Turns a text into the tensor that a model of texts takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from pileus.inference.datatypes import BYTES
from pileus.inference.errors import InvalidTensor

if TYPE_CHECKING:
    from pileus.inference.bundle import Bundle


class TextTensor(NamedTuple):
    """A text as a request's tensor."""

    name: str
    datatype: str
    shape: Sequence[int]
    data: Sequence[str]


def text_tensor(bundle: Bundle, content: bytes) -> TextTensor:
    """One row for the bundle's text input. Raises InvalidTensor if it has none."""
    spec = bundle.inputs[0]
    if len(bundle.inputs) != 1 or spec.content != "text" or spec.datatype != BYTES:
        raise InvalidTensor(
            f"The model takes {[one.name for one in bundle.inputs]!r}, not one text",
            hint="Send JSON tensors with 'Content-Type: application/json'.",
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise InvalidTensor(f"The text is not UTF-8: {error.reason}", hint="Send UTF-8.") from error
    return TextTensor(spec.name, spec.datatype, (1,) * len(spec.shape), (text,))
