"""Names of classes: beside a classifier's answer, or in place of its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pileus.inference.errors import InferenceFailed

if TYPE_CHECKING:
    from pileus.inference.bundle import Bundle
    from pileus.inference.runtime import Array

NAME = "label"


class Labels:
    """Where a classifier's outputs say which class it is."""

    def __init__(self, classes: tuple[str, ...], position: int, *, is_index: bool) -> None:
        self._classes = classes
        self._position = position
        self._is_index = is_index

    def of(self, outputs: list[Array]) -> list[str]:
        """One label a row. Raises InferenceFailed for an index that no class has."""
        output = outputs[self._position]
        indexes = (output if self._is_index else output.argmax(axis=-1)).reshape(-1).tolist()
        count = len(self._classes)
        for index in indexes:
            if not 0 <= index < count:
                raise InferenceFailed(
                    f"The model answered class {index!r}; it has {count} classes",
                    hint="The bundle's classes and its graph differ: export it again.",
                )
        return [self._classes[index] for index in indexes]


def find_labels(bundle: Bundle) -> Labels | None:
    """None unless the bundle is a classifier with names for its classes."""
    if not bundle.classes or any(spec.name == NAME for spec in bundle.outputs):
        return None
    for position, spec in enumerate(bundle.outputs):
        if spec.name == "class_index":
            return Labels(bundle.classes, position, is_index=True)
    for position, spec in enumerate(bundle.outputs):
        if spec.shape and spec.shape[-1] == len(bundle.classes):
            return Labels(bundle.classes, position, is_index=False)
    return None


def label_array(labels: list[str]) -> Array:
    """Labels as an array of BYTES."""
    return np.array(labels, dtype=np.object_)


def top_classes(scores: Array, count: int, classes: tuple[str, ...] | None) -> Array:
    """The largest scores of each row, as `score:index:label`; BYTES [rows, count].

    The label is left out where the output has another width than the model has classes. Source of
    the form: Triton's "Classification Extension".
    """
    rows = scores.reshape(len(scores), -1)
    width = rows.shape[1]
    labels = classes if classes is not None and len(classes) == width else None
    # Equal scores in the order of their classes, which a plain descending sort would turn around.
    order = np.argsort(-rows.astype(np.float64), axis=1, kind="stable")[:, :count]
    told = [
        [
            f"{float(row[index]):f}:{index}" + (f":{labels[index]}" if labels else "")
            for index in best
        ]
        for row, best in zip(rows, order.tolist(), strict=True)
    ]
    return np.array(told, dtype=np.object_)
