"""Prepares the directory of an attempt: inputs, parameters, token. A kill leaves it unprepared.

`launch.json`, which the executor writes last, says that all of it is there.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path, PurePosixPath

from pileus.compute.files import replace_json
from pileus.compute.layout import PRIVATE_DIRECTORY, PRIVATE_FILE, Layout
from pileus.core.failpoints import failpoint
from pileus.core.schemas.jobs import DesiredAttempt, InputFile
from pileus.worker.cache import BlobCache
from pileus.worker.code import unpack
from pileus.worker.errors import InputRefused

_READ_ONLY_DIRECTORY = 0o500
_READ_ONLY_FILE = 0o400
_FETCHES_AT_ONCE = 4


async def materialise(layout: Layout, order: DesiredAttempt, cache: BlobCache) -> None:
    """Make everything that the attempt finds when it starts.

    Raises InputRefused, InputDamaged, what the link raises, OSError.
    """
    for begun in (layout.inputs, layout.work):
        if begun.exists():
            await asyncio.to_thread(remove_tree, begun)  # a worker was killed half-way
    # No file or directory that not every attempt needs: on some disks a new one takes half a millisecond.
    for directory in (layout.directory, layout.work, layout.out, layout.report):
        directory.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
    replace_json(layout.spec, json.loads(order.spec.model_dump_json()))
    _write_token(layout.token, order.token)
    if any(declared.kind != "code" for declared in order.spec.inputs):
        layout.inputs.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
        await _place_inputs(layout.inputs, order, cache)
        _protect(layout.inputs)
    await _place_code(layout.work, order, cache)
    failpoint("attempt.materialised")
    if order.spec.inputs:
        await asyncio.to_thread(cache.trim)


def remove_tree(path: Path) -> None:
    """Remove a directory with the read-only ones below it."""
    for directory, _, _ in os.walk(path):
        Path(directory).chmod(PRIVATE_DIRECTORY)
    shutil.rmtree(path, ignore_errors=True)


async def _place_inputs(inputs: Path, order: DesiredAttempt, cache: BlobCache) -> None:
    limit = asyncio.Semaphore(_FETCHES_AT_ONCE)

    async def place(file: InputFile, target: Path) -> None:
        async with limit:
            try:
                await asyncio.to_thread(_link, await cache.get(order.project, file), target)
            except FileNotFoundError:  # another attempt's inputs just pushed it out
                await asyncio.to_thread(_link, await cache.get(order.project, file), target)

    placed = [declared for declared in order.spec.inputs if declared.kind != "code"]
    try:
        async with asyncio.TaskGroup() as group:
            for declared in placed:
                _target(inputs, declared.name, ".").mkdir(exist_ok=True)
                for file in declared.files:
                    group.create_task(place(file, _target(inputs, declared.name, file.path)))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors


async def _place_code(work: Path, order: DesiredAttempt, cache: BlobCache) -> None:
    for declared in order.spec.inputs:
        if declared.kind == "code":
            manifest, pack = [await cache.get(order.project, file) for file in declared.files]
            await asyncio.to_thread(unpack, manifest, pack, work)


def _target(inputs: Path, name: str, path: str) -> Path:
    inside = PurePosixPath(name) / path
    is_outside = PurePosixPath(path).is_absolute() or ".." in inside.parts
    if not name or "/" in name or name in {".", ".."} or is_outside or "\0" in path:
        raise InputRefused(f"Input {name!r} has the path {path!r}, which leaves its directory")
    return inputs / inside


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
        target.chmod(_READ_ONLY_FILE)


def _protect(inputs: Path) -> None:
    for directory, _, _ in os.walk(inputs):
        Path(directory).chmod(_READ_ONLY_DIRECTORY)


def _write_token(path: Path, token: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(token)
