"""Unpacks a code snapshot into the working directory of an attempt, which owns every byte of it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pileus.core.schemas.code import CodeFile, read_manifest
from pileus.worker.errors import InputDamaged, InputRefused

_FILE = 0o600
_PROGRAM = 0o700


def unpack(manifest: Path, pack: Path, target: Path) -> None:
    """Write every file of the snapshot below `target`. Raises InputRefused, InputDamaged.

    `target` is empty: no link is there that a path could lead through.
    """
    try:
        files = read_manifest(manifest.read_bytes()).files
    except ValueError as error:
        raise InputRefused(f"The manifest of the code is not one: {error}") from error
    with pack.open("rb") as packed:
        for file in files:
            content = packed.read(file.size)
            if hashlib.sha256(content).hexdigest() != file.digest:
                raise InputDamaged(f"The bytes of {file.path!r} in the code are not its own")
            _write(target / file.path, file, content)


def _write(path: Path, file: CodeFile, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = _PROGRAM if file.is_executable else _FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as written:
        written.write(content)
