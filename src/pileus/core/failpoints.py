"""
Places between two durable effects, by name, where a test may kill the process.

A test names a directory in `PILEUS_FAILPOINTS` and puts a file called after a failpoint there: the
process that comes by next takes the file and is gone, as if by `kill -9` or a loss of power. A file
that holds a number lets as many pass before. Without the variable, a failpoint is one comparison.
Standard library only: runners and zygotes import it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

VARIABLE = "PILEUS_FAILPOINTS"

_directory = os.environ.get(VARIABLE)


def failpoint(name: str) -> None:
    """Nothing, unless a test wants the process to die here."""
    if _directory is not None:
        _take(Path(_directory) / name)


def environment() -> dict[str, str]:
    """What a child with an environment of its own needs, to have failpoints too."""
    return {} if _directory is None else {VARIABLE: _directory}


def _take(path: Path) -> None:
    try:
        text = path.read_text("ascii")
        passes = int(text or "0")
        if passes:
            path.write_text(str(passes - 1), "ascii")
            return
        # Whoever renames it is the one to die; another process that came by at once goes on.
        path.rename(path.with_name(f"{path.name}.taken"))
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
