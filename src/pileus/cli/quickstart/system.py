"""A whole installation in a temporary home, on free ports, that ends with this process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from pileus.cli import readiness
from pileus.cli.home import Home
from pileus.core.errors import Unavailable

START_SECONDS = 30.0
STOP_SECONDS = 40.0


@contextmanager
def temporary_system(*, keep: bool) -> Iterator[Home]:
    """A running installation; stopped at the end, and its home removed unless `keep`.

    After a failure its logs stay. Raises Unavailable when it does not start.
    """
    home = Home(Path(tempfile.mkdtemp(prefix="pileus-quickstart-")))
    # The supervisor ends when our end of the pipe closes, so even after kill -9 of this process.
    pipe, own_end = os.pipe()
    supervisor = _supervisor(home, pipe)
    os.close(pipe)
    before = signal.signal(signal.SIGTERM, _end)
    has_failed = False
    try:
        _wait(home, supervisor)
        yield home
    except Exception:
        has_failed = True
        raise
    finally:
        # A second Ctrl-C must not leave the home half removed, with processes in it.
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(own_end)
        _stop(supervisor)
        if not keep:
            _remove(home, with_logs=not has_failed)
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, before)


def _wait(home: Home, supervisor: subprocess.Popen[bytes]) -> None:
    seen = readiness.wait_until_ready(home, START_SECONDS, lambda: supervisor.poll() is not None)
    if seen["state"] != "ready":
        raise Unavailable(
            f"The temporary installation did not start. {readiness.reasons(seen)}",
            hint=f"Read the logs in {str(home.logs)!r}.",
        )


def _end(signum: int, _frame: FrameType | None) -> None:
    """End as after Ctrl-C: what we started must not outlive us."""
    raise SystemExit(128 + signum)


def _remove(home: Home, *, with_logs: bool) -> None:
    for path in home.path.iterdir():
        if path == home.logs and not with_logs:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if with_logs:
        shutil.rmtree(home.path, ignore_errors=True)


def _supervisor(home: Home, pipe: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "pileus", "--home", str(home.path), "up", "--foreground"]
    options = ["--port", "0", "--gateway-port", "0", "--supervisor-fd", str(pipe)]
    home.logs.mkdir(parents=True, exist_ok=True)
    with (home.logs / "supervisor.log").open("ab") as log:
        return subprocess.Popen(
            [*words, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(pipe,),
            start_new_session=True,  # Ctrl-C is ours to handle, once
        )


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    supervisor.terminate()
    try:
        supervisor.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()
