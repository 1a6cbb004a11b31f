"""Servers that are started for their turn, and of which nothing is left after it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from benchmarks.serving.cpu import members

ROOT = Path(__file__).parents[2]
"""Where `benchmarks` can be imported from."""

_START_SECONDS = 120.0
_STOP_SECONDS = 10.0
_LAST_LINES = 15

# Default threads of BLAS double what a request takes, and nobody who runs a server leaves them so.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)


class NotAnswering(Exception):
    """One call was not answered, or not with what the graph says."""


class NotStarted(Exception):
    """The server ended, or did not answer as it should in time."""


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@contextlib.contextmanager
def running(
    command: Sequence[str], directory: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that leads a group of its own, its words in `directory`/log."""
    own = {**os.environ, **_ONE_THREAD, **environment, "PYTHONPATH": str(ROOT)}
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def first_answer(
    call: Callable[[], bytes], directory: Path, process: subprocess.Popen[bytes] | None = None
) -> bytes:
    """What `call` returns as soon as it raises NotAnswering no more. Raises NotStarted."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return call()
        except NotAnswering as error:
            has_ended = process is not None and process.poll() is not None
            if has_ended or time.monotonic() > deadline:
                log = directory / "log"
                lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
                raise NotStarted("\n".join([str(error), *lines[-_LAST_LINES:]])) from error
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Everything below it too: some servers put their workers into groups of their own."""
    tree = members(process.pid)
    try:
        _signal(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline and (process.poll() is None or any(map(_lives, tree))):
            time.sleep(0.02)
    finally:
        # Also when somebody interrupts the waiting. A worker that was started while the others ended
        # is not in the list, but in the group.
        _signal(process.pid, signal.SIGKILL)
        for one in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()


def _lives(one: psutil.Process) -> bool:
    """Not so of one that ended and whose new parent, an init that looks at none, leaves it there."""
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
