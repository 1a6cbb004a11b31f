"""
From a request's tensors to an answer's tensors, whatever carried them.

Transports (REST, gRPC, a replica, a device) decode and encode around `infer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pileus.inference.batching import MAX_WAITING, Batcher
from pileus.inference.datatypes import BYTES, DATATYPES
from pileus.inference.errors import InvalidTensor
from pileus.inference.images import image_tensor
from pileus.inference.labels import NAME as LABEL
from pileus.inference.labels import find_labels, label_array, top_classes
from pileus.inference.signature import Signature

if TYPE_CHECKING:
    from concurrent.futures import Executor

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
        self,
        bundle: Bundle,
        runtime: Runtime,
        *,
        max_request_rows: int = MAX_REQUEST_ROWS,
        max_waiting: int = MAX_WAITING,
        threads: Executor | None = None,
    ) -> None:
        self.bundle = bundle
        self.signature = Signature(bundle, max_request_rows)
        self.batcher = Batcher(
            runtime,
            is_batchable=self.signature.is_batchable,
            threads=threads,
            max_waiting=max_waiting,
        )
        self.labels = find_labels(bundle)
        self.output_names = [spec.name for spec in bundle.outputs]
        if self.labels is not None:
            self.output_names.append(LABEL)

    def warm_up(self) -> None:
        """Run on zeros, so that no request finds out how long the model takes."""
        inputs: dict[str, Array] = {}
        for spec in self.bundle.inputs:
            shape = [max(1, size) for size in spec.shape]
            fill: Any = "" if spec.datatype == BYTES else 0
            inputs[spec.name] = np.full(shape, fill, DATATYPES[spec.datatype].numpy)
        self.batcher.warm_up(inputs)


async def infer(
    model: ServedModel,
    tensors: Sequence[RequestTensor],
    wanted: Sequence[Wanted] = (),
    expires_at: float | None = None,
) -> Answer:
    """The answer to one request; `wanted` are the outputs to return, all when empty.

    `expires_at` is a time of the event loop, after which nobody wants the answer. Raises InvalidTensor,
    BatchTooLarge, InferenceFailed, Overloaded or DeadlineExceeded.
    """
    inputs, rows = model.signature.arrays(tensors)
    if wanted:
        _check_wanted(model, wanted)
    computed = await model.batcher.run(inputs, rows, expires_at)
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


async def infer_image(
    model: ServedModel,
    data: bytes,
    wanted: Sequence[Wanted] = (),
    expires_at: float | None = None,
) -> Answer:
    """The answer to one image file."""
    return await infer(model, (image_tensor(model.bundle, data),), wanted, expires_at)


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
