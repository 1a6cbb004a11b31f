"""Opens files that somebody else may have put there. Standard library only."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


def open_regular(path: Path | str, directory: int | None = None) -> BufferedReader:
    """A file for reading, from the open `directory` if given. Raises OSError for a link, a pipe, a device.

    What a link leads to may be closed to whoever made it, and a pipe is waited for until somebody
    writes.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, dir_fd=directory)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")
