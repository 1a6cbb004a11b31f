"""Writes small files of the cache so that a kill leaves the old or the new one, never a part."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from pileus.core.failpoints import failpoint


def replace_file(path: Path, content: bytes) -> None:
    """`path` holds `content`, mode 0600, also after loss of power."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        failpoint("gateway_file.written")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def private_directory(path: Path) -> Path:
    """`path` as a directory that only we may read."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def try_lock(descriptor: int) -> bool:
    """True when no living process holds the file. The kernel lets go when its holder dies."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
