"""A server in its turn, and those that others would run: their commands, bodies and packages."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from benchmarks.serving.bodies import nested, open_inference
from benchmarks.serving.calls import call_http
from benchmarks.serving.environments import python_of
from benchmarks.serving.load import Target
from benchmarks.serving.model import Graph
from benchmarks.serving.processes import ROOT, first_answer, free_port, running

_APPS = "benchmarks.serving.peers"
_GRANIAN = ["-m", "granian", "--interface", "rsgi", "--no-access-log", "--log-level", "warning"]
JSON_HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Serving:
    """A server that answers."""

    target: Target
    root: int
    """The process whose tree a request's processor time is read from."""

    beside: int | None = None
    """Another one whose tree is reported apart."""


class Contender(Protocol):
    """Something that can be started, loaded and stopped, over and over."""

    @property
    def name(self) -> str: ...

    def serving(self) -> AbstractContextManager[Serving]:
        """Started, and one answer of it looked at. Raises NotStarted."""
        ...


@dataclass(frozen=True)
class Peer:
    """A server of somebody else."""

    name: str
    words: tuple[str, ...]
    """After the interpreter; PORT stands for the one that was free at the start."""

    path: str
    body: Callable[[Graph], bytes] = open_inference
    headers: Mapping[str, str] = dataclasses.field(default_factory=lambda: JSON_HEADERS)
    requirements: tuple[str, ...] = ()
    """Packages of its own environment; none when the project's own has them."""

    prepare: Callable[[Path, Path, int, Mapping[str, str]], None] | None = None
    """Writes what it reads: from interpreter, directory, port and environment."""

    is_constant: bool = False
    call: Callable[[Target, Graph], bytes] = call_http


class PeerContender:
    """A peer with a graph to serve and a directory to do it in."""

    def __init__(self, peer: Peer, graph: Graph, directory: Path, environments: Path) -> None:
        self.name = peer.name
        self._peer = peer
        self._graph = graph
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._python = Path(sys.executable)
        if peer.requirements:
            self._python = python_of(peer.name.lower(), peer.requirements, environments)

    @contextlib.contextmanager
    def serving(self) -> Iterator[Serving]:
        peer, port, directory = self._peer, free_port(), self._directory
        environment = {
            "BENCHMARK_GRAPH": str(self._graph.path),
            "HOME": str(directory),  # what it leaves there goes with the directory
            "PATH": f"{self._python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "BENTOML_DO_NOT_TRACK": "true",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_TMPDIR": str(directory),
        }
        if peer.prepare is not None:
            peer.prepare(self._python, directory, port, environment)
        command = [str(self._python), *(word.replace("PORT", str(port)) for word in peer.words)]
        target = Target(f"http://127.0.0.1:{port}{peer.path}", peer.headers, peer.body(self._graph))
        with running(command, directory, environment) as process:
            if peer.is_constant:
                call = partial(call_http, target, None)
            else:
                call = partial(peer.call, target, self._graph)
            answer = first_answer(call, directory, process)
            yield Serving(dataclasses.replace(target, answer_bytes=len(answer)), process.pid)


def _prepare_mlserver(_: Path, directory: Path, port: int, __: Mapping[str, str]) -> None:
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
        "parallel_workers": 0,  # with some it is slower on few cores
    }
    model = {
        "name": "m",
        "implementation": f"{_APPS}.mlserver_app.Model",
        "max_batch_size": 16,
        "max_batch_time": 0.002,
    }
    (directory / "settings.json").write_text(json.dumps(settings))
    (directory / "model-settings.json").write_text(json.dumps(model))


def _prepare_mlflow(python: Path, directory: Path, _: int, environment: Mapping[str, str]) -> None:
    saved = directory / "saved"
    if not saved.exists():
        subprocess.run(
            [python, "-m", f"{_APPS}.mlflow_save", str(saved)],
            env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
            cwd=directory,
            check=True,
            capture_output=True,
        )


PROTOTYPE = Peer("prototype", (*_GRANIAN, "--port=PORT", f"{_APPS}.prototype_app:read_json"), "/")
ECHO = Peer("echo", (*_GRANIAN, "--port=PORT", f"{_APPS}.echo_app:app"), "/", is_constant=True)
FASTAPI = Peer(
    "FastAPI",
    ("-m", "uvicorn", f"{_APPS}.fastapi_app:app", "--port=PORT", "--log-level", "warning"),
    "/v2/models/m/infer",
)

ALWAYS = (PROTOTYPE, ECHO, FASTAPI)
BOUNDS = {PROTOTYPE.name, ECHO.name}
"""Made to be fast and nothing else: beside them Pileus is measured, and none is the best peer."""

FURTHER = (
    Peer(
        "MLServer",
        ("-m", "mlserver.cli.main", "start", "."),
        "/v2/models/m/infer",
        requirements=("mlserver==1.7.1", "onnxruntime", "numpy"),
        prepare=_prepare_mlserver,
    ),
    Peer(
        "LitServe",
        ("-m", f"{_APPS}.litserve_app", "PORT"),
        "/predict",
        requirements=("litserve==0.2.19", "onnxruntime", "numpy"),
    ),
    Peer(
        "BentoML",
        ("-m", "bentoml", "serve", f"{_APPS}.bento_app:Classifier", "--port=PORT"),
        "/infer",
        body=partial(nested, name="x"),
        requirements=("bentoml==1.4.39", "onnxruntime", "numpy"),
    ),
    Peer(
        "RayServe",
        ("-m", f"{_APPS}.rayserve_app", "PORT"),
        "/m",
        requirements=("ray[serve]==2.60.0", "onnxruntime", "numpy", "orjson"),
    ),
    Peer(
        "MLflow",
        ("-m", "mlflow", "models", "serve", "-m", "saved", "--env-manager=local", "--port=PORT"),
        "/invocations",
        body=partial(nested, name="inputs"),
        requirements=("mlflow==3.17.0", "onnx", "onnxruntime"),
        prepare=_prepare_mlflow,
    ),
)
