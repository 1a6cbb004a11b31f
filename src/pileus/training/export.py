"""Writes a fitted model as one ONNX file that holds its weights and all of its pre-processing."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from torch.export import Dim

from pileus.training.examples import Entrance

OPSET = 20


def export(model: nn.Module, entrance: Entrance, outputs: Sequence[str], path: Path) -> None:
    """Write `model` to `path`, with its input as `entrance` says and its `outputs` so named."""
    shapes = (dict.fromkeys(entrance.dynamic, Dim.DYNAMIC),)
    with _quiet():
        program = torch.onnx.export(
            model.to("cpu").eval(),
            (entrance.example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[entrance.spec["name"]],
            output_names=list(outputs),
            dynamic_shapes=shapes,
            verbose=False,
        )
        if program is None:
            raise TypeError("torch.onnx.export returns a program when it is given no file")
        program.save(str(path), external_data=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the exporter's remarks about itself out of the log; what it raises still comes out."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
