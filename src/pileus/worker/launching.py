"""From what the server ordered to what the executor starts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pileus.compute.executor import Launch
from pileus.compute.layout import (
    ATTEMPT_MODULES,
    CPUS_VARIABLE,
    DIRECTORY_VARIABLE,
    REQUEST_VARIABLE,
    SECRETS_VARIABLE,
    TOKEN_VARIABLE,
    Layout,
)
from pileus.compute.limits.amounts import LEAST_MEMORY_MIB, Limits
from pileus.core import telemetry
from pileus.core.schemas.jobs import AttemptSpec, DesiredAttempt

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_PYTHON_PATH = "PYTHONPATH"
_DEVICES = "CUDA_VISIBLE_DEVICES"


def launch_of(
    order: DesiredAttempt,
    layout: Layout,
    base: Mapping[str, str],
    confirmed_at: float,
    fence_seconds: float,
) -> Launch:
    """`base` is what this node gives to every attempt."""
    spec = order.spec
    return Launch(
        lease_token=order.lease_token,
        command=spec.command,
        entry=spec.recipe_entry,
        environment=spec.environment,
        env=environment(spec, order.devices, layout.directory, base),
        timeout_seconds=spec.timeout_seconds,
        grace_seconds=spec.grace_seconds,
        confirmed_at=confirmed_at,
        fence_seconds=fence_seconds,
        has_secrets=bool(spec.secrets),
        is_sandboxed=spec.sandbox,
        gpu_milli=spec.resources.gpu_milli,
        limits=Limits(
            cpu_milli=spec.resources.cpu_milli,
            memory_mib=max(LEAST_MEMORY_MIB, spec.resources.memory_mib),
            disk_mib=spec.resources.disk_mib,
        ),
    )


def environment(
    spec: AttemptSpec, devices: Sequence[str], directory: Path, base: Mapping[str, str]
) -> dict[str, str]:
    """Every variable of an attempt: the node's, our defaults, the job's own, then what is ours."""
    threads = str(max(1, int(spec.resources.cpu)))
    defaults = {
        **dict.fromkeys(_THREAD_VARIABLES, threads),
        **telemetry.OFF,
        "PYTHONUNBUFFERED": "1",
    }
    python_path = [str(ATTEMPT_MODULES), spec.env.get(_PYTHON_PATH, "")]
    own = {
        DIRECTORY_VARIABLE: str(directory),
        TOKEN_VARIABLE: str(Layout(directory).token),
        CPUS_VARIABLE: f"{spec.resources.cpu:g}",
        _PYTHON_PATH: os.pathsep.join(filter(None, python_path)),
        _DEVICES: ",".join(devices),  # empty hides them all: it holds no lease on any
    }
    if spec.seat is not None:
        own |= spec.seat.variables
    if spec.secrets:
        own[SECRETS_VARIABLE] = str(Layout(directory).secrets)
    if spec.request_id is not None:
        own[REQUEST_VARIABLE] = spec.request_id
    found = {**base, **defaults, **spec.env, **own}
    return found if spec.environment_file is None else _inside(found, Layout(directory))


def _inside(env: dict[str, str], layout: Layout) -> dict[str, str]:
    """As an activated virtual environment has it: its `python` is the first on PATH."""
    programs = str(layout.environment / "bin")
    path = os.pathsep.join(filter(None, (programs, env.get("PATH", ""))))
    return env | {"PATH": path, "VIRTUAL_ENV": str(layout.environment)}
