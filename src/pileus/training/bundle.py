"""Describes what was exported: `bundle.json`, which serving reads before it loads the graph."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pileus.core.failpoints import failpoint
from pileus.data.schema import Task
from pileus.training.config import TrainingConfig
from pileus.training.export import OPSET

SCHEMA = 1
GRAPH = "model.onnx"
DESCRIPTION = "bundle.json"


def describe(
    directory: Path,
    *,
    task: Task,
    entrance: dict[str, Any],
    classes: Sequence[str] | None,
    recipe: str,
    config: TrainingConfig,
) -> dict[str, Any]:
    """What `bundle.json` says of the graph in `directory`."""
    return {
        "schema": SCHEMA,
        "graph": GRAPH,
        "opset": OPSET,
        "task": task,
        "inputs": [entrance],
        "outputs": outputs(classes),
        "classes": None if classes is None else list(classes),
        "framework": f"torch {torch.__version__.partition('+')[0]}",
        "recipe": {"name": recipe, "config": config.model_dump(mode="json")},
        "files": [_file(directory / GRAPH)],
    }


def outputs(classes: Sequence[str] | None) -> list[dict[str, Any]]:
    """The outputs of a graph for these classes, or for a number."""
    if classes is None:
        return [{"name": "value", "datatype": "FP32", "shape": [-1, 1]}]
    return [
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, len(classes)]},
        {"name": "class_index", "datatype": "INT64", "shape": [-1]},
    ]


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a document so that a reader finds all of it or none."""
    partial = path.with_name(path.name + ".partial")
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    partial.write_text(text + "\n", encoding="utf-8")
    failpoint("bundle_file.written")
    partial.replace(path)


def _file(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"path": path.name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
