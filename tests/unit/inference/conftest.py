from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pileus.inference.bundle import read_bundle
from pileus.inference.dataplane import ServedModel
from pileus.inference.runtimes.onnx import OnnxRuntime


@dataclass
class Sent:
    """A tensor as a transport would hand it over."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


@pytest.fixture
def load() -> Callable[..., ServedModel]:
    def load(directory: Path, max_request_rows: int = 4096) -> ServedModel:
        bundle = read_bundle(directory)
        runtime = OnnxRuntime(bundle, directory)
        return ServedModel(bundle, runtime, max_request_rows=max_request_rows)

    return load


@pytest.fixture
def sent() -> type[Sent]:
    return Sent
