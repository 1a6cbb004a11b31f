"""What a user writes by hand in ten minutes."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.serving.peers.graph import answer, open_graph


class Tensor(BaseModel):
    """An input of Open Inference v2."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class InferRequest(BaseModel):
    """The body."""

    inputs: list[Tensor]


app = FastAPI()
_run = open_graph()


@app.post("/v2/models/m/infer")
def infer(request: InferRequest) -> dict[str, Any]:
    """In a thread of the pool, as FastAPI does with a plain function."""
    tensor = request.inputs[0]
    return answer(_run(np.asarray(tensor.data, dtype=np.float32).reshape(tensor.shape)))
