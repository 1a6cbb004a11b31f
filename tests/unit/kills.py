"""Processes that die at a failpoint, where no story of a whole installation passes it."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from pathlib import Path

from pileus.core import failpoints


def kill_at(point: str, directory: Path, work: Callable[[], object], *, passes: int = 0) -> None:
    """Do `work` in a process that is killed when it comes by there; `directory` is a new one."""
    directory.mkdir()
    (directory / point).write_text(str(passes), "ascii")

    def run() -> None:
        failpoints._directory = str(directory)
        work()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL, f"{point} was not passed so often"
