"""Tiny graphs, written as bundles."""

import hashlib
import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

ONNX_TYPES = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "BF16": TensorProto.BFLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
}


COLUMNS: list[dict] = [
    {"name": "height", "type": "number"},
    {"name": "width", "type": "number"},
    {"name": "colour", "type": "category", "values": ["blue", "red"]},
]


def write_rows_bundle(directory: Path, columns: list[dict] | None = None) -> Path:
    """Three features to the classes small, middle and large: the largest feature wins."""
    nodes = [
        helper.make_node("IsNaN", ["features"], ["missing"]),
        helper.make_node("Where", ["missing", "zero", "features"], ["filled"]),
        helper.make_node("Softmax", ["filled"], ["probabilities"], axis=-1),
        helper.make_node("ArgMax", ["filled"], ["class_index"], axis=-1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "rows",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", 3])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["rows", 3]),
            helper.make_tensor_value_info("class_index", TensorProto.INT64, ["rows"]),
        ],
        [numpy_helper.from_array(np.zeros((), np.float32), "zero")],
    )
    features = {"name": "features", "datatype": "FP32", "shape": [-1, 3], "content": "row"}
    inputs = [features | ({"columns": columns} if columns else {})]
    outputs = [
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]},
        {"name": "class_index", "datatype": "INT64", "shape": [-1]},
    ]
    return _write(directory, graph, inputs, outputs, ["small", "middle", "large"])


def write_image_bundle(directory: Path, *, height: int = -1, width: int = -1) -> Path:
    """Grey images of any size, or of one size, to the mean of their pixels."""
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["value"]),
    ]
    shape = ["rows", height if height > 0 else "height", width if width > 0 else "width", 1]
    graph = helper.make_graph(
        nodes,
        "image",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["rows", 1])],
        [
            numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes"),
            numpy_helper.from_array(np.array([1], np.int64), "last"),
        ],
    )
    image = {
        "name": "image",
        "datatype": "UINT8",
        "shape": [-1, height, width, 1],
        "content": "image",
        "mode": "L",
    }
    value = {"name": "value", "datatype": "FP32", "shape": [-1, 1]}
    return _write(directory, graph, [image], [value], None)


def write_echo_bundle(directory: Path, datatype: str, *, rows: int = -1) -> Path:
    """Two elements of a datatype, unchanged."""
    shape = [rows if rows > 0 else "rows", 2]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "echo",
        [helper.make_tensor_value_info("x", ONNX_TYPES[datatype], shape)],
        [helper.make_tensor_value_info("y", ONNX_TYPES[datatype], shape)],
    )
    x = {"name": "x", "datatype": datatype, "shape": [rows, 2]}
    y = {"name": "y", "datatype": datatype, "shape": [rows, 2]}
    return _write(directory, graph, [x], [y], None)


def write_text_bundle(directory: Path) -> Path:
    """A text, unchanged."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["text"], ["same"])],
        "text",
        [helper.make_tensor_value_info("text", TensorProto.STRING, ["rows"])],
        [helper.make_tensor_value_info("same", TensorProto.STRING, ["rows"])],
    )
    text = {"name": "text", "datatype": "BYTES", "shape": [-1], "content": "text"}
    same = {"name": "same", "datatype": "BYTES", "shape": [-1]}
    return _write(directory, graph, [text], [same], None)


def write_gather_bundle(directory: Path) -> Path:
    """Looks one index a row up in a table of three; an index outside of it fails the run."""
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "index"], ["found"])],
        "gather",
        [helper.make_tensor_value_info("index", TensorProto.INT64, ["rows"])],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, ["rows"])],
        [numpy_helper.from_array(np.array([10, 20, 30], np.float32), "table")],
    )
    index = {"name": "index", "datatype": "INT64", "shape": [-1]}
    found = {"name": "found", "datatype": "FP32", "shape": [-1]}
    return _write(directory, graph, [index], [found], None)


def _write(directory: Path, graph, inputs, outputs, classes) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    save_model(model, str(directory / "model.onnx"))
    content = (directory / "model.onnx").read_bytes()
    description = {
        "schema": 1,
        "graph": "model.onnx",
        "opset": 20,
        "task": "classification" if classes else "regression",
        "inputs": inputs,
        "outputs": outputs,
        "classes": classes,
        "framework": "hand-made",
        "recipe": {"name": "none", "config": {}},
        "files": [
            {
                "path": "model.onnx",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
            }
        ],
    }
    (directory / "bundle.json").write_text(json.dumps(description))
    return directory
