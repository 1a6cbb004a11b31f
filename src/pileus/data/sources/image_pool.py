"""
Checks many image files at once, in the order they were given.

Pillow holds the GIL for most of a small image, so many files are worth processes of their own.
They are plain commands: `multiprocessing` would import the caller's main module in each.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Self, cast

from pileus.data.errors import IngestWorkerLost
from pileus.data.sources import image_worker
from pileus.data.sources.image_worker import FileToCheck, Outcome, check_files

_MANY_FILES = 2000
"""From here on, starting processes (0.3 s of one core) pays."""

_CHUNK_FILES = 250
_FEW_CHUNK_FILES = 8


def check_in_order(files: Sequence[FileToCheck]) -> Generator[tuple[Outcome, bytes], None, None]:
    """What came of each file, with its bytes; a few are in memory at once."""
    many = len(files) >= _MANY_FILES
    step = _CHUNK_FILES if many else _FEW_CHUNK_FILES
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = max(1, count or 1)
    with contextlib.ExitStack() as stack:
        run = stack.enter_context(_Processes()).check if many else check_files
        pool = ThreadPoolExecutor(threads, thread_name_prefix="ingest")
        stack.callback(pool.shutdown, cancel_futures=True)
        waiting: deque[tuple[Sequence[FileToCheck], Future[tuple[list[Outcome], bytes]]]] = deque()
        starts = iter(range(0, len(files), step))

        def submit(chunk: Sequence[FileToCheck], place: int) -> None:
            waiting.insert(place, (chunk, pool.submit(run, chunk)))

        while True:
            while len(waiting) <= 2 * threads and (start := next(starts, None)) is not None:
                submit(files[start : start + step], len(waiting))
            if not waiting:
                return
            chunk, future = waiting.popleft()
            outcomes, contents = future.result()
            if len(outcomes) < len(chunk):
                submit(chunk[len(outcomes) :], 0)
            yield from _apart(outcomes, contents)


def _apart(
    outcomes: list[Outcome], contents: bytes
) -> Generator[tuple[Outcome, bytes], None, None]:
    start = 0
    for outcome in outcomes:
        if isinstance(outcome, image_worker.CheckedFile):
            yield outcome, contents[start : start + outcome.size]
            start += outcome.size
        else:
            yield outcome, b""


class _Processes:
    """One process for each thread that asks."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._all: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._all:
            process.kill()
        for process in self._all:
            with process:
                pass  # closes its pipes and waits for its end

    def check(self, files: Sequence[FileToCheck]) -> tuple[list[Outcome], bytes]:
        """`check_files` in this thread's process. Raises IngestWorkerLost."""
        process = getattr(self._own, "process", None) or self._start()
        try:
            stdin = cast("IO[bytes]", process.stdin)
            pickle.dump(files, stdin, pickle.HIGHEST_PROTOCOL)
            stdin.flush()
            answer = pickle.load(cast("IO[bytes]", process.stdout))  # noqa: S301  ours
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            process.kill()
            raise IngestWorkerLost(
                f"A process that decodes images ended with {process.wait()}",
                hint="Most often, memory was short. Try again, with less running beside it.",
            ) from error
        return cast("tuple[list[Outcome], bytes]", answer)

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: what lies in the directory of the data is not code.
        # Not -m: what it answers with would be of its module __main__, which is another one here.
        command = [sys.executable, "-P", "-c", f"from {image_worker.__name__} import main; main()"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._own.process = process
        self._all.append(process)
        return process
