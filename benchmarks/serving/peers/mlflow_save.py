"""Saves the graph as MLflow's `models serve` wants it, into the directory of the first argument."""

from __future__ import annotations

import sys

import mlflow  # type: ignore[import-not-found]
import onnx

from benchmarks.serving.peers.graph import graph_path

if __name__ == "__main__":
    mlflow.onnx.save_model(
        onnx.load(graph_path()),
        sys.argv[1],
        onnx_session_options={"intra_op_num_threads": 1},
        onnx_execution_providers=["CPUExecutionProvider"],
    )
