"""Opens the graph as every peer should: with one thread, since the load generator needs a core too."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import onnxruntime


def graph_path() -> str:
    """Where the graph lies."""
    return os.environ["BENCHMARK_GRAPH"]


def open_graph() -> Callable[[Any], Any]:
    """A function from rows to the rows of the first output."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        graph_path(), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return lambda rows: session.run(None, {name: rows})[0]


def answer(probabilities: Any) -> dict[str, Any]:  # noqa: ANN401  an array, of any runtime's NumPy
    """The answer of Open Inference v2 as plain Python."""
    output = {
        "name": "probs",
        "shape": list(probabilities.shape),
        "datatype": "FP32",
        "data": probabilities.ravel().tolist(),
    }
    return {"model_name": "m", "outputs": [output]}
