"""
Checks many image files at once, in the order they were given.

Pillow holds the GIL for most of a small image, so many files are worth processes of their own.
They are plain commands: `multiprocessing` would import the caller's main module in each.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Self, cast

from pileus.data.errors import IngestWorkerLost
from pileus.data.sources import image_worker
from pileus.data.sources.image_worker import CheckedFile, FileToCheck, Outcome, check_files

MANY_FILES = 2000
"""From here on, starting processes (0.3 s of one core) pays."""

_CHUNK_FILES = 250
_FEW_CHUNK_FILES = 8


class ImagePool:
    """Checks files until its context is left: in threads, or in as many processes if asked to."""

    def __init__(self) -> None:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        self._count = max(1, count or 1)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            # What it was not sent before it ended is flushed into a pipe that nobody reads.
            with contextlib.suppress(BrokenPipeError), process:
                pass  # closes its pipes and waits for its end

    def expect_many(self) -> None:
        """Start the processes, which import while more files are found."""
        # -P: what lies in the directory of the data is not code.
        # Not -m: what it answers with would be of its module __main__, which is another one here.
        command = [sys.executable, "-P", "-c", f"from {image_worker.__name__} import main; main()"]
        while len(self._processes) < self._count:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self._processes.append(process)
            self._idle.put(process)

    def check_in_order(
        self, files: Sequence[FileToCheck]
    ) -> Generator[tuple[Outcome, bytes], None, None]:
        """What came of each file, with its bytes; a few are in memory at once.

        Raises IngestWorkerLost.
        """
        run, step = check_files, _FEW_CHUNK_FILES
        if self._processes:
            run, step = self._check, _CHUNK_FILES
        with contextlib.ExitStack() as stack:
            pool = ThreadPoolExecutor(self._count, thread_name_prefix="ingest")
            stack.callback(pool.shutdown, cancel_futures=True)
            waiting: deque[tuple[Sequence[FileToCheck], Future[tuple[list[Outcome], bytes]]]]
            waiting = deque()
            starts = iter(range(0, len(files), step))

            def submit(chunk: Sequence[FileToCheck], place: int) -> None:
                waiting.insert(place, (chunk, pool.submit(run, chunk)))

            while True:
                while len(waiting) <= 2 * self._count and (start := next(starts, None)) is not None:
                    submit(files[start : start + step], len(waiting))
                if not waiting:
                    return
                chunk, future = waiting.popleft()
                outcomes, contents = future.result()
                if len(outcomes) < len(chunk):
                    submit(chunk[len(outcomes) :], 0)
                yield from _apart(outcomes, contents)

    def _check(self, files: Sequence[FileToCheck]) -> tuple[list[Outcome], bytes]:
        """`check_files` in a process; there is one for each thread."""
        process = self._idle.get()
        try:
            stdin = cast("IO[bytes]", process.stdin)
            pickle.dump(files, stdin, pickle.HIGHEST_PROTOCOL)
            stdin.flush()
            outcomes, contents = pickle.load(cast("IO[bytes]", process.stdout))  # noqa: S301  ours
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            process.kill()
            raise IngestWorkerLost(
                f"A process that decodes images ended with {process.wait()}",
                hint="Most often, memory was short. Try again, with less running beside it.",
            ) from error
        finally:
            self._idle.put(process)
        return [CheckedFile(*one) if type(one) is tuple else one for one in outcomes], contents


def _apart(
    outcomes: list[Outcome], contents: bytes
) -> Generator[tuple[Outcome, bytes], None, None]:
    start = 0
    for outcome in outcomes:
        if isinstance(outcome, CheckedFile):
            yield outcome, contents[start : start + outcome.size]
            start += outcome.size
        else:
            yield outcome, b""
