"""Locks of directories: they go with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def lock_directory(path: Path) -> int | None:
    """A descriptor that holds the lock of a directory; None if somebody else does, or it is gone.

    Raises OSError where the system or the disk has no such locks.
    """
    try:
        import fcntl  # not on Windows, where the CLI is only a client
    except ImportError as error:
        raise OSError(errno.ENOTSUP, "cannot be locked on this system", str(path)) from error
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
