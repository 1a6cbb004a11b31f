"""Starts a process of ours as a fork of the supervisor, which has imported what all of them need.

They share that memory, and none of them spends its start on it. Python objects are written to when
they are only looked at, because their references are counted; so some of it is copied in time.
"""

from __future__ import annotations

import gc
import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

Main = Callable[[Sequence[str]], int]
"""Runs the process of these words; the exit code."""

_SHARED_BY_ALL = (
    "asyncio",
    "pydantic.main",
    "uvloop",
    "pileus.core.logs.setup",
    "pileus.core.schemas.jobs",
    "pileus.core.settings",
)
_SHARED_BY_CLIENTS = ("httpx", "pileus.sdk.link")
"""What gateway and worker import beside. Importing these starts no thread and opens no file."""

_POLL_SECONDS = 0.02
_STDERR = 2
_CODE_OF_A_BUG = 1


def warm_up() -> bool:
    """Import what all processes need; whether forks of this one are safe."""
    # Elsewhere system libraries do not survive a fork.
    if sys.platform != "linux":
        return False
    _share(_SHARED_BY_ALL)
    return threading.active_count() == 1


def warm_up_for_clients() -> None:
    """Import what the server's clients need beside; the server does not wait for it."""
    _share(_SHARED_BY_CLIENTS)


def _share(names: Sequence[str]) -> None:
    for name in names:
        import_module(name)
    # The collector would write to every object that it looks at. What is garbage by now, little,
    # stays: to look for it takes longer than it would gain.
    gc.freeze()


class Forked:
    """A child of this process, with what `subprocess.Popen` has of that."""

    def __init__(self, main: Main, words: Sequence[str], output: int, keep: int) -> None:
        """Run `main(words)` with stdout and stderr to `output`, and only the descriptor `keep`."""
        self.returncode: int | None = None
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _become(main, words, output, keep, before)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def poll(self) -> int | None:
        """Its exit code, negative for a signal, once it has ended."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same, waited for. Raises subprocess.TimeoutExpired."""
        until = math.inf if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() >= until:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            time.sleep(_POLL_SECONDS)
        return code

    def send_signal(self, signum: int) -> None:
        """Nothing when it has ended: its id may be another's."""
        if self.poll() is None:
            os.kill(self.pid, signum)


def _become(
    main: Main, words: Sequence[str], output: int, keep: int, mask: set[int | signal.Signals]
) -> None:
    """Be the process; never returns. Whatever the supervisor holds but `keep` is let go."""
    code = _CODE_OF_A_BUG
    try:
        os.setsid()
        with suppress(OSError):  # what `ps` and `top` call it
            Path("/proc/self/comm").write_text(f"pileus-{words[0]}", "ascii")
        _let_go(output, keep)
        signal.set_wakeup_fd(-1)
        for signum in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(signum, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        code = main(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else _CODE_OF_A_BUG
    except BaseException:  # noqa: BLE001  the border of the process
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _let_go(output: int, keep: int) -> None:
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, _STDERR)
    for descriptor in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if descriptor > _STDERR and descriptor != keep:
            with suppress(OSError):  # the one that listed them
                os.close(descriptor)
