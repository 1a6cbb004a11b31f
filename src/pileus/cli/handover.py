"""A supervisor's process is started first and told later what it is to supervise.

`pileus up` spends most of its time on imports, and so does the supervisor. Started before the
command has read its own modules, it does its share on another core. Whoever started it and ends
without a word, because the home is held or a port is taken, takes it along: it reads the end of its
socket.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

_MODULE = "pileus.cli.supervising"
_MAX_BYTES = 65536
_DESCRIPTORS = 2
_early: Waiting | None = None


class Waiting:
    """The process, until it is told."""

    def __init__(self, errors: int | None = None) -> None:
        """Start it; until it is told, its errors go to that descriptor, or to where ours go."""
        self._socket, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd=Path(sys.executable).anchor,
            )

    def tell(self, words: dict[str, Any], lock: int, output: int) -> bool:
        """Hand over the words, the held lock and the file of its output; whether it lived."""
        with self._socket, suppress(ConnectionError):
            socket.send_fds(self._socket, [json.dumps(words).encode()], [lock, output])
            return True
        return False


def start_early() -> None:
    """Start the process of an installation that is about to be wanted."""
    global _early  # noqa: PLW0603  of this process there is one
    _early = Waiting()


def hand_over(words: dict[str, Any], lock: int, output: int) -> subprocess.Popen[bytes]:
    """The supervisor, which goes on holding the lock; the one that was started early if it lives."""
    if _early is not None and _early.tell(words, lock, output):
        return _early.process
    late = Waiting(output)
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
