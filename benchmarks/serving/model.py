"""The graph that everybody serves: the CNN for 28 x 28 pixels, with weights that nobody trained.

Weights do not change what an answer costs. The graph is made with onnx alone, so that a run needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
_IR_VERSION = 10
"""What the oldest runtime among the peers reads."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Graph:
    """A graph on disk, what it takes, and one input with the answer that is right."""

    path: Path
    input: str
    output: str
    image: Floats
    """One row."""

    answer: list[float]

    @property
    def row_shape(self) -> list[int]:
        return [1, *self.image.shape[1:]]


def write_cnn(path: Path) -> None:
    """Convolutions of 32 and 64, dense 128, softmax over 10."""
    random = np.random.default_rng(0)
    weights: list[Any] = []

    def weight(name: str, *shape: int) -> str:
        scale = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
        values = (random.standard_normal(shape) * scale).astype(np.float32)
        weights.append(numpy_helper.from_array(values, name))
        return name

    def node(kind: str, source: str, target: str, *more: str, **options: Any) -> Any:  # noqa: ANN401
        return helper.make_node(kind, [source, *more], [target], **options)

    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        node("Conv", "image", "c1", weight("w1", 32, 1, 3, 3), weight("b1", 32)),
        node("Relu", "c1", "r1"),
        node("MaxPool", "r1", "p1", **pool),
        node("Conv", "p1", "c2", weight("w2", 64, 32, 3, 3), weight("b2", 64)),
        node("Relu", "c2", "r2"),
        node("MaxPool", "r2", "p2", **pool),
        node("Flatten", "p2", "flat"),
        node("Gemm", "flat", "d1", weight("w3", 128, 1600), weight("b3", 128), transB=1),
        node("Relu", "d1", "r3"),
        node("Gemm", "r3", "d2", weight("w4", 10, 128), weight("b4", 10), transB=1),
        node("Softmax", "d2", "probs", axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "cnn",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["rows", 1, 28, 28])],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["rows", 10])],
        weights,
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION
    )
    onnx.checker.check_model(made)
    onnx.save(made, str(path))


def read_graph(path: Path) -> Graph:
    """The graph with one image for it, and what the runtime itself answers to that."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    given = session.get_outputs()[0]
    shape = [1, *taken.shape[1:]]
    # As a client writes pixels: four digits each, which makes a body of 6.2 KB.
    pixels = (np.random.default_rng(0).integers(0, 256, shape) / 255).round(4)
    image = pixels.astype(np.float32)
    answer = session.run([given.name], {taken.name: image})[0]
    return Graph(path, taken.name, given.name, image, answer.ravel().tolist())
