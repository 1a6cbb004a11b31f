"""Runs the untouched split once through the fitted model and the exported graph, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pileus.training.evaluate import Evaluation, evaluate_classes, evaluate_values
from pileus.training.examples import Examples
from pileus.training.parity import TOLERANCE, Answers, Graph, Parity

_SINGLE_ROWS = 64
"""Rows that are also computed alone, the first of the split."""


@torch.inference_mode()
def assess(
    model: nn.Module, graph_path: Path, examples: Examples, threads: int, scale: float
) -> tuple[Evaluation, dict[str, Any]]:
    """The evaluation of the model, and the report of its parity with the graph.

    `scale` is the unit in which two answers differ: 1 for probabilities.
    """
    graph = Graph(graph_path, threads)
    parity = Parity(TOLERANCE * scale)
    answers: list[Answers] = []
    targets = []
    for batch in examples.untouched():
        framework = _answers(model, batch.rows)
        parity.compare(framework, *graph.run(batch.rows))
        for index in range(min(len(batch.rows), _SINGLE_ROWS - parity.single_rows)):
            row = slice(index, index + 1)
            parity.compare_single(framework[row], *graph.run(batch.rows[row]))
        answers.append(framework)
        targets.append(batch.targets)
    if examples.classes is None:
        return evaluate_values(np.concatenate(answers), np.concatenate(targets)), parity.report()
    evaluation = evaluate_classes(
        np.concatenate(answers), np.concatenate(targets).astype(np.int64), examples.classes
    )
    return evaluation, parity.report()


def _answers(model: nn.Module, rows: NDArray[Any]) -> Answers:
    answer = model(torch.from_numpy(rows))
    first: Answers = (answer[0] if isinstance(answer, tuple) else answer).numpy()
    return first
