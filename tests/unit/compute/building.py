"""Directories of attempts, prepared as a worker would."""

import json
import os
import sys
import time
from typing import Any

from pileus.compute.executor import Launch
from pileus.compute.layout import ATTEMPT_MODULES, Layout
from pileus.compute.processes import start_ticks


def make_directory(tmp_path, name="att_1", **spec):
    layout = Layout(tmp_path / name)
    for directory in (layout.directory, layout.inputs, layout.work, layout.out, layout.report):
        directory.mkdir()
    document = {
        "schema": 1,
        "attempt": name,
        "job": "job_1",
        "project": "default",
        "number": 1,
        "params": {"epochs": 3},
    }
    layout.spec.write_text(json.dumps(document | spec))
    return layout


def make_launch(layout, *command, modules=None, **fields):
    paths = [str(ATTEMPT_MODULES), *([str(modules)] if modules else [])]
    env = {
        "PATH": os.environ["PATH"],
        "PILEUS_ATTEMPT_DIR": str(layout.directory),
        "PYTHONPATH": os.pathsep.join(paths),
    }
    given: dict[str, Any] = {"lease_token": "lease", "env": env, "grace_seconds": 5.0} | fields
    return Launch(command=command or None, **given)


def python(text):
    return (sys.executable, "-c", text)


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def is_alive(pid):
    return start_ticks(pid) is not None


def json_in(path):
    return json.loads(path.read_text())


def number_in(path):
    text = path.read_text() if path.exists() else ""
    return int(text) if text.strip().isdigit() and text.endswith("\n") else None
