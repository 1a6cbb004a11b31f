"""
Directories of a home in which clients leave large files for the server of the same machine.

What goes through a socket is copied six times and handled piece by piece on both sides; a file is
only read. Who makes a directory holds its lock, so one whose lock is free is a killed client's.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pileus.core.directory_locks import lock_directory

NAME = r"[0-9a-f]{32}"
"""What a directory is called: a name that nobody guesses."""


def staging_root(home: Path) -> Path:
    """Where the directories of a home are."""
    return home / "staging"


@contextmanager
def staging_directory(root: Path) -> Iterator[Path]:
    """A new directory, which goes with all in it when the context is left.

    Raises OSError where the home is somebody else's, or has no such directories, or no locks.
    """
    if root.stat().st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "belongs to somebody else", str(root))
    path, lock = _made(root)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def remove_abandoned(root: Path) -> int:
    """Remove what killed clients left; how many directories. What cannot be removed stays."""
    gone = 0
    for path in [*root.iterdir()] if root.is_dir() else ():
        with suppress(OSError):
            if re.fullmatch(NAME, path.name) and (lock := lock_directory(path)) is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)
                gone += not path.exists()
    return gone


def _made(root: Path) -> tuple[Path, int]:
    """A new directory and the descriptor that holds its lock."""
    while True:
        path = root / secrets.token_hex(16)
        path.mkdir(mode=0o700)
        try:
            lock = lock_directory(path)
        except OSError:
            path.rmdir()
            raise
        # Who removes what was abandoned may have come between the two.
        if lock is not None and path.exists():
            return path, lock
        if lock is not None:
            os.close(lock)
