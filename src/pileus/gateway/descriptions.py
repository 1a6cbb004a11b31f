"""What the gateway tells of itself and of its endpoints, over REST and gRPC alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pileus import __version__
from pileus.inference.datatypes import BYTES
from pileus.inference.labels import NAME as LABEL

if TYPE_CHECKING:
    from pileus.gateway.routes import Live
    from pileus.gateway.state import LaneState
    from pileus.inference.bundle import InputSpec

PLATFORM = "onnx_onnxv1"

EXTENSIONS = ("binary_tensor_data", "classification", "model_repository")
"""Of the protocol, by the names that its servers use."""


def describe_server() -> dict[str, Any]:
    """Who we are."""
    return {"name": "pileus", "version": __version__, "extensions": list(EXTENSIONS)}


def describe_model(live: Live) -> dict[str, Any]:
    """What an endpoint takes and gives."""
    bundle = live.model.bundle
    outputs = [_tensor(spec.name, spec.datatype, spec.shape) for spec in bundle.outputs]
    if live.model.labels is not None:
        outputs.append(_tensor(LABEL, BYTES, (-1,)))
    return {
        "name": live.route.name,
        "versions": [str(live.route.number)],
        "platform": PLATFORM,
        "inputs": [_input(spec) for spec in bundle.inputs],
        "outputs": outputs,
        "parameters": {
            "model": f"{live.route.model}:{live.route.model_version}",
            "revision": live.route.revision,
        },
    }


def index_of(state: LaneState, project: str, *, only_ready: bool) -> list[dict[str, str]]:
    """The endpoints of a project: what answers, and what does not yet and why."""
    return [
        {
            "name": known.name,
            "version": str(known.number),
            "state": "READY" if known.is_live else "UNAVAILABLE",
            "reason": known.problem,
        }
        for known in state.routes.of_project(project)
        if known.is_live or not only_ready
    ]


def _input(spec: InputSpec) -> dict[str, Any]:
    told = _tensor(spec.name, spec.datatype, spec.shape)
    parameters: dict[str, Any] = {}
    if spec.content != "tensor":
        parameters["content"] = spec.content
    if spec.columns:
        parameters["columns"] = [msgspec.to_builtins(column) for column in spec.columns]
    return told | {"parameters": parameters} if parameters else told


def _tensor(name: str, datatype: str, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": list(shape)}
