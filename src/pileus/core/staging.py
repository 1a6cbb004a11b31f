"""
Directories of a home in which clients leave large files for the server of the same machine.

What goes through a socket is copied six times and handled piece by piece on both sides; a file is
only read. Who makes a directory holds its lock, so one whose lock is free is a killed client's.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = r"[0-9a-f]{32}"
"""What a directory is called: a name that nobody guesses."""


def staging_root(home: Path) -> Path:
    """Where the directories of a home are."""
    return home / "staging"


@contextmanager
def staging_directory(root: Path) -> Iterator[Path]:
    """A new directory, which goes with all in it when the context is left. Raises OSError."""
    path, lock = _made(root)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def remove_abandoned(root: Path) -> int:
    """Remove what killed clients left; how many directories."""
    gone = 0
    for path in [*root.iterdir()] if root.is_dir() else ():
        if re.fullmatch(NAME, path.name) and (lock := _locked(path)) is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)
            gone += 1
    return gone


def _made(root: Path) -> tuple[Path, int]:
    """A new directory and the descriptor that holds its lock."""
    while True:
        path = root / secrets.token_hex(16)
        path.mkdir(mode=0o700)
        lock = _locked(path)
        # Who removes what was abandoned may have come between the two.
        if lock is not None and path.exists():
            return path, lock
        if lock is not None:
            os.close(lock)


def _locked(path: Path) -> int | None:
    """A descriptor that holds the lock of a directory; None if somebody else does, or it is gone."""
    with suppress(FileNotFoundError, NotADirectoryError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return descriptor
    return None
