"""Builds an environment with uv. What uv prints goes into the attempt's own log."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pileus.worker.errors import EnvironmentNotBuilt
from pileus.worker.requirements import Kind, Wanted

_LAST_LINES = 12
_LAST_BYTES = 4000


async def build(
    wanted: Wanted, target: Path, log: Path, env: Mapping[str, str], seconds: float
) -> None:
    """Make the virtual environment `target`, which may be moved. Raises EnvironmentNotBuilt."""
    uv = shutil.which("uv", path=env.get("PATH"))
    if uv is None:
        raise EnvironmentNotBuilt(
            "The node has no uv, which builds environments",
            hint="Install it on the node: pip install 'pileus[environments]'.",
        )
    own = dict(env) | {"UV_PROJECT_ENVIRONMENT": str(target)}
    own |= {"UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}
    start = (await asyncio.to_thread(log.stat)).st_size
    for words in _commands(wanted, target):
        await _run([uv, *words], wanted.file.parent, log, start, own, seconds)


def _commands(wanted: Wanted, target: Path) -> list[list[str]]:
    venv = ["venv", "--quiet", "--relocatable", "--no-project", "--python", sys.executable]
    if wanted.kind is Kind.LOCK:
        sync = ["sync", "--frozen", "--no-install-project", "--no-editable", "--no-dev"]
        install = [*sync, "--python", str(target / "bin" / "python")]
    else:
        python = str(target / "bin" / "python")
        install = ["pip", "install", "--python", python, "--requirements", wanted.file.name]
    return [[*venv, str(target)], install]


async def _run(
    words: list[str],
    directory: Path,
    log: Path,
    start: int,
    env: Mapping[str, str],
    seconds: float,
) -> None:
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *words,
            cwd=directory,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        code = await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError as error:
        raise EnvironmentNotBuilt(
            f"The environment was not built within {seconds:g} s{_last_words(log, start)}",
            hint="Ask for less, or raise environment_build_seconds of the worker.",
        ) from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code != 0:
        raise EnvironmentNotBuilt(
            f"The environment cannot be built{_last_words(log, start)}",
            hint="Correct what it asks for; the attempt's log has all that uv said.",
        )


def _last_words(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(max(start, file.seek(0, os.SEEK_END) - _LAST_BYTES))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()[-_LAST_LINES:]
    return ": " + "\n".join(lines) if lines else ""
