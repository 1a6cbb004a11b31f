"""Draws how a training went: `loss.png` and, for classes, `confusion.png`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 120
_MAX_NUMBERED = 20
"""Classes up to which every cell of the confusion matrix shows its count."""

_MAX_NAMED = 40
"""Classes up to which the axes carry their names."""


def draw_loss(path: Path, history: Sequence[dict[str, float]], best_epoch: int) -> None:
    """The loss of each epoch on the fitted and on the validation rows."""
    figure = _figure(6.4, 4.0)
    axes = figure.add_subplot()
    epochs = range(1, len(history) + 1)
    marker = "o" if len(history) < 3 else None  # a line through one point is invisible
    for name, text in (("train_loss", "training"), ("validation_loss", "validation")):
        axes.plot(epochs, [metrics[name] for metrics in history], label=text, marker=marker)
    axes.axvline(best_epoch, color="0.6", linestyle=":", label=f"best epoch ({best_epoch})")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.locator_params(axis="x", integer=True)
    axes.set_title("Loss")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False)
    _save(figure, path)


def draw_confusion(
    path: Path, matrix: Sequence[Sequence[int]], classes: Sequence[str], accuracy: float
) -> None:
    """The confusion matrix: colour by share of the actual class, number by count."""
    counts = np.asarray(matrix)
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = counts / totals
    side = min(12.0, max(4.2, 1.8 + 0.42 * len(classes)))
    figure = _figure(side + 0.6, side)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= _MAX_NUMBERED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = str(counts[row, column])
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    if len(classes) <= _MAX_NAMED:
        names = [_short(name) for name in classes]
        turned = max(map(len, names)) > 3
        axes.set_xticks(
            range(len(names)),
            names,
            rotation=45 if turned else 0,
            ha="right" if turned else "center",
        )
        axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("actual")
    axes.set_title(f"Untouched split: accuracy {accuracy:.2%}")
    figure.colorbar(image, ax=axes, label="share of the actual class", fraction=0.046, pad=0.04)
    _save(figure, path)


def _figure(width: float, height: float) -> Figure:
    # Late: a second of start-up that only the end of a training needs.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # see above
    from matplotlib.figure import Figure  # see above

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    # Tight: the layout leaves too little room beside axes that must stay square.
    figure.savefig(path, dpi=_DPI, bbox_inches="tight", pad_inches=0.15)


def _short(name: str) -> str:
    # A class may be called anything; a dollar sign would start a formula.
    text = name if len(name) <= 16 else name[:15] + "…"
    return text.replace("$", r"\$")
