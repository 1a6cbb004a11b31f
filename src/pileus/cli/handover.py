"""A supervisor's process is started first and told later what it is to supervise.

`pileus up` spends most of its time on imports, and so does the supervisor. Started before the
command has read its own modules, it does its share on another core; where forks are safe it is one
of the command, which has a single thread by then, and spares the start of an interpreter. Whoever
started it and ends without a word, because the home is held or a port is taken, takes it along: it
reads the end of its socket.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from pileus.cli.forked import Forked

_MODULE = "pileus.cli.supervising"
_MAX_BYTES = 65536
_DESCRIPTORS = 2
_STDERR = 2
_ROOT = Path(sys.executable).anchor
_early: Waiting | None = None

Process = subprocess.Popen[bytes] | Forked
"""What a supervisor runs in."""


class Waiting:
    """The process, until it is told."""

    def __init__(self, process: Process, ours: socket.socket) -> None:
        self.process = process
        self._socket = ours

    @classmethod
    def forked(cls) -> Waiting:
        """A fork of this process, which must have no thread; its errors go to where ours go."""
        ours, theirs = socket.socketpair()
        with theirs:
            main = partial(_wait_to_be_told, theirs.fileno())
            return cls(Forked(main, ("supervisor",), _STDERR, theirs.fileno()), ours)

    @classmethod
    def started(cls, errors: int | None = None) -> Waiting:
        """A command; until it is told, its errors go to that descriptor, or to where ours go."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd=_ROOT,
            )
            return cls(process, ours)

    def tell(self, words: dict[str, Any], lock: int, output: int) -> bool:
        """Hand over the words, the held lock and the file of its output; whether it lived."""
        with self._socket, suppress(ConnectionError):
            socket.send_fds(self._socket, [json.dumps(words).encode()], [lock, output])
            return True
        return False


def start_early() -> None:
    """Start the process of an installation that is about to be wanted."""
    global _early  # noqa: PLW0603  of this process there is one
    _early = Waiting.forked() if sys.platform == "linux" else Waiting.started()


def hand_over(words: dict[str, Any], lock: int, output: int) -> Process:
    """The supervisor, which goes on holding the lock; the one that was started early if it lives."""
    if _early is not None and _early.tell(words, lock, output):
        return _early.process
    late = Waiting.started(output)
    late.tell(words, lock, output)
    return late.process


def taken_over(descriptor: int) -> tuple[dict[str, Any], int, int] | None:
    """In the process: its words, the lock and its output; None when nobody tells it any more."""
    with socket.socket(fileno=descriptor) as told:
        message, descriptors, _, _ = socket.recv_fds(told, _MAX_BYTES, _DESCRIPTORS)
    if len(descriptors) != _DESCRIPTORS:
        return None
    lock, output = descriptors
    return json.loads(message), lock, output


def _wait_to_be_told(descriptor: int, _words: Sequence[str]) -> int:
    # `python -m` looks for modules in the folder it was called in; what stays must not, nor hold it.
    with suppress(FileNotFoundError):
        here = str(Path.cwd())
        sys.path[:] = [entry for entry in sys.path if entry not in {"", here}]
    os.chdir(_ROOT)
    import_module(_MODULE).main([str(descriptor)])
    return 0
