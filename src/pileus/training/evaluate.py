"""How good a fitted model is on rows that nothing of it has seen. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FLOOR = 1e-12
"""Least probability that the logarithmic loss counts with."""

Evaluation = dict[str, Any]
"""What `evaluation.json` holds."""


def evaluate_classes(
    probabilities: NDArray[np.float32], targets: NDArray[np.int64], classes: Sequence[str]
) -> Evaluation:
    """Accuracy, macro-averaged precision, recall and F1, the confusion matrix, the loss.

    A class without rows and without predictions is left out of the averages; one that has a
    denominator of 0 counts as 0, as scikit-learn does.
    """
    predicted = probabilities.argmax(axis=1)
    matrix = confusion(targets, predicted, len(classes))
    right = np.diag(matrix).astype(np.float64)
    actual, claimed = matrix.sum(axis=1), matrix.sum(axis=0)
    seen = (actual + claimed) > 0
    precision, recall = _ratio(right, claimed), _ratio(right, actual)
    f1 = _ratio(2 * right, actual + claimed)
    chosen = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    return {
        "split": "untouched",
        "rows": len(targets),
        "accuracy": float(right.sum() / len(targets)),
        "precision_macro": float(precision[seen].mean()),
        "recall_macro": float(recall[seen].mean()),
        "f1_macro": float(f1[seen].mean()),
        "loss": float(-np.log(np.maximum(chosen, _FLOOR)).mean()),
        "confusion": matrix.tolist(),
        "classes": list(classes),
    }


def evaluate_values(values: NDArray[np.float32], targets: NDArray[np.float32]) -> Evaluation:
    """Mean absolute error, root of the mean squared error, share of the variance explained."""
    actual = targets.astype(np.float64).reshape(-1)
    errors = values.astype(np.float64).reshape(-1) - actual
    spread = float(np.square(actual - actual.mean()).sum())
    squares = float(np.square(errors).sum())
    return {
        "split": "untouched",
        "rows": len(actual),
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt(squares / len(actual))),
        # Of targets that are all alike nothing can be explained; JSON has no NaN to say so.
        "r2": 1 - squares / spread if spread > 0 else None,
    }


def confusion(
    targets: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """How many rows of each class (rows) were taken for each class (columns)."""
    counts = np.bincount(targets * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def _ratio(parts: NDArray[Any], totals: NDArray[Any]) -> NDArray[np.float64]:
    result = np.zeros(len(parts), dtype=np.float64)
    np.divide(parts, totals, out=result, where=totals > 0)
    return result
