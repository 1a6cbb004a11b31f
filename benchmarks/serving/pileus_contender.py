"""Pileus in its turn: a whole installation, the graph registered, an endpoint on it, a project's token."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.installation import installation
from benchmarks.serving.contenders import Serving
from benchmarks.serving.model import Graph
from benchmarks.serving.parts import Part
from benchmarks.serving.processes import first_answer
from pileus.sdk import Client

_NAME = "cnn"

# A model version is what a succeeded job left behind, whatever kind of job: here it only copies.
_JOB = """
import shutil, sys
from pileus_attempt import Attempt
shutil.copytree(sys.argv[1], Attempt.current().out, dirs_exist_ok=True)
"""


class Installed:
    """A home with the model, its endpoint and a token; it runs only while somebody is served."""

    token = ""
    has_grpc = False

    def __init__(self, graph: Graph, directory: Path) -> None:
        self.graph = graph
        self.directory = directory
        directory.mkdir()

    def set_up(self) -> None:
        """What a user does once."""
        left = _write_artifacts(self.graph, self.directory / "artifacts")
        with installation(self.directory), Client.from_home(self.directory / "home") as client:
            command = [sys.executable, "-c", _JOB, str(left)]
            spec = {"kind": "command", "command": command, "resources": {"cpu": 0.001}}
            job = client.jobs.submit(spec)["id"]
            ended = client.jobs.wait(job)
            if ended["status"] != "succeeded":
                sys.exit(f"pileus: job {job} has {ended['status']}: {ended['reason']}")
            number = client.models.register(_NAME, job)["number"]
            client.endpoints.create(_NAME, f"{_NAME}:{number}")
            self.token = client.tokens.create("benchmark")["token"]
            self.has_grpc = self.read("ports.json").get("grpc") is not None

    def read(self, name: str) -> dict[str, Any]:
        """What the installation says of itself while it runs."""
        text = (self.directory / "home" / "run" / name).read_text("utf-8")
        document: dict[str, Any] = json.loads(text)
        return document

    def end(self) -> None:
        """Stop it once more: whoever interrupts a start leaves what was started by then."""
        words = [sys.executable, "-m", "pileus", "--home", str(self.directory / "home"), "down"]
        subprocess.run(words, check=False, capture_output=True)


class PileusContender:
    """The installation, asked in one of the ways."""

    name = "pileus"

    def __init__(self, installed: Installed, part: Part) -> None:
        self._installed = installed
        self._part = part

    @contextlib.contextmanager
    def serving(self) -> Iterator[Serving]:
        installed = self._installed
        with installation(installed.directory):
            ports, pids = installed.read("ports.json"), installed.read("pids.json")
            port = ports["grpc" if self._part.name == "grpc" else "gateway"]
            target = self._part.request(f"http://127.0.0.1:{port}", installed.graph, _NAME)
            bearer = {"authorization": f"Bearer {installed.token}"}
            target = dataclasses.replace(target, headers={**target.headers, **bearer})
            call = partial(self._part.call, target, installed.graph)
            answer = first_answer(call, installed.directory)
            target = dataclasses.replace(target, answer_bytes=len(answer))
            yield Serving(target, pids["gateway"], pids["server"])


def _write_artifacts(graph: Graph, directory: Path) -> Path:
    """What a training would leave: the bundle, and that it was evaluated and proved."""
    bundle = directory / "bundle"
    bundle.mkdir(parents=True)
    shutil.copyfile(graph.path, bundle / "model.onnx")
    data = graph.path.read_bytes()
    shape = [-1, *graph.image.shape[1:]]
    description = {
        "schema": 1,
        "graph": "model.onnx",
        "task": "image-classification",
        "inputs": [{"name": graph.input, "datatype": "FP32", "shape": shape}],
        "outputs": [{"name": graph.output, "datatype": "FP32", "shape": [-1, len(graph.answer)]}],
        "files": [
            {"path": "model.onnx", "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        ],
    }
    (bundle / "bundle.json").write_text(json.dumps(description))
    (directory / "evaluation.json").write_text("{}")
    # Nothing was trained here, so there is nothing that the graph could differ from.
    (directory / "parity.json").write_text(json.dumps({"passed": True}))
    return directory
