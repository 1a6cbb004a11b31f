"""
From a request's tensors to an answer's tensors, whatever carried them.

Transports (REST, gRPC, a replica, a device) decode and encode around `infer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from pileus.inference.batching import Batcher
from pileus.inference.datatypes import BYTES
from pileus.inference.errors import InvalidTensor
from pileus.inference.images import image_tensor
from pileus.inference.labels import NAME as LABEL
from pileus.inference.labels import find_labels, label_array, top_classes
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


class Wanted(NamedTuple):
    """An output to return."""

    name: str
    classes: int = 0
    """Return so many of its largest elements, as `score:index:label`, in place of all."""


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
    model: ServedModel, tensors: Sequence[RequestTensor], wanted: Sequence[Wanted] = ()
) -> Answer:
    """The answer to one request; `wanted` are the outputs to return, all when empty.

    Raises InvalidTensor, BatchTooLarge or InferenceFailed.
    """
    inputs, rows = model.signature.arrays(tensors)
    if wanted:
        _check_wanted(model, wanted)
    computed = await model.batcher.run(inputs, rows)
    outputs = [
        AnswerTensor(spec.name, spec.datatype, array)
        for spec, array in zip(model.bundle.outputs, computed.outputs, strict=True)
    ]
    if model.labels is not None:
        labels = label_array(model.labels.of(computed.outputs))
        outputs.append(AnswerTensor(LABEL, BYTES, labels))
    if wanted:
        by_name = {output.name: output for output in outputs}
        outputs = [_chosen(model.bundle, by_name[one.name], one) for one in wanted]
    return Answer(outputs, rows, computed.batch)


async def infer_image(model: ServedModel, data: bytes, wanted: Sequence[Wanted] = ()) -> Answer:
    """The answer to one image file."""
    return await infer(model, (image_tensor(model.bundle, data),), wanted)


def _check_wanted(model: ServedModel, wanted: Sequence[Wanted]) -> None:
    known = {spec.name: spec.datatype for spec in model.bundle.outputs}
    for one in wanted:
        if one.name not in model.output_names:
            raise InvalidTensor(
                f"The model has no output {one.name!r}",
                hint=f"The model's outputs are {model.output_names!r}.",
            )
        if one.classes < 0 or (one.classes and known.get(one.name, BYTES) in {BYTES, "BOOL"}):
            raise InvalidTensor(
                f"Output {one.name!r} has no {one.classes} largest classes",
                hint="'classification' is a number of classes, of an output of numbers.",
            )


def _chosen(bundle: Bundle, output: AnswerTensor, wanted: Wanted) -> AnswerTensor:
    if not wanted.classes:
        return output
    largest = top_classes(output.array, wanted.classes, bundle.classes)
    return AnswerTensor(output.name, BYTES, largest)
