"""
From a request's tensors to an answer's tensors, whatever carried them.

Transports (REST, gRPC, a replica, a device) decode and encode around `infer`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pileus.inference.batching import Batcher
from pileus.inference.errors import InvalidTensor
from pileus.inference.images import image_tensor
from pileus.inference.labels import NAME as LABEL
from pileus.inference.labels import find_labels, label_array
from pileus.inference.signature import Signature

if TYPE_CHECKING:
    from pileus.inference.bundle import Bundle
    from pileus.inference.runtime import Array, Runtime
    from pileus.inference.signature import RequestTensor

MAX_REQUEST_ROWS = 4096


class AnswerTensor(NamedTuple):
    """One output."""

    name: str
    datatype: str
    array: Array


class Answer(NamedTuple):
    """What one request gets back."""

    outputs: list[AnswerTensor]
    rows: int
    batch: int
    """Rows that were computed together, this request's among them."""


class ServedModel:
    """A bundle in memory with its queue: what a revision is when it is loaded."""

    def __init__(
        self, bundle: Bundle, runtime: Runtime, *, max_request_rows: int = MAX_REQUEST_ROWS
    ) -> None:
        self.bundle = bundle
        self.signature = Signature(bundle, max_request_rows)
        self.batcher = Batcher(runtime, is_batchable=self.signature.is_batchable)
        self.labels = find_labels(bundle)
        self.output_names = [spec.name for spec in bundle.outputs]
        if self.labels is not None:
            self.output_names.append(LABEL)


async def infer(
    model: ServedModel, tensors: Sequence[RequestTensor], wanted: Collection[str] = ()
) -> Answer:
    """The answer to one request; `wanted` names the outputs to return, all when empty.

    Raises InvalidTensor, BatchTooLarge or InferenceFailed.
    """
    inputs, rows = model.signature.arrays(tensors)
    for name in wanted:
        if name not in model.output_names:
            raise InvalidTensor(
                f"The model has no output {name!r}",
                hint=f"The model's outputs are {model.output_names!r}.",
            )
    computed = await model.batcher.run(inputs, rows)
    outputs = [
        AnswerTensor(spec.name, spec.datatype, array)
        for spec, array in zip(model.bundle.outputs, computed.outputs, strict=True)
    ]
    if model.labels is not None:
        labels = label_array(model.labels.of(computed.outputs))
        outputs.append(AnswerTensor(LABEL, "BYTES", labels))
    if wanted:
        outputs = [output for output in outputs if output.name in wanted]
    return Answer(outputs, rows, computed.batch)


async def infer_image(model: ServedModel, data: bytes, wanted: Collection[str] = ()) -> Answer:
    """The answer to one image file."""
    return await infer(model, (image_tensor(model.bundle, data),), wanted)
