"""Starts the command of an attempt: a process group of its own, output straight to files.

Standard library only, and nothing slow of that: a runner starts in the time of an interpreter.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pileus.compute.layout import PRIVATE_FILE, Layout

_OUTPUT_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_DEFAULT_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE)


class Outputs(NamedTuple):
    """Descriptors that an attempt writes to in the place of its files."""

    stdout: int
    stderr: int
    others: tuple[int, ...] = ()
    """To be closed in a fork of the process that reads what is written."""


class StartFailed(Exception):
    """The command cannot be started; the message is for the person who wrote it."""


def spawn(
    layout: Layout,
    command: Sequence[str],
    env: Mapping[str, str],
    outputs: Outputs | None = None,
) -> int:
    """Pid of the started command. Raises StartFailed.

    The caller's working directory is the attempt's `work/`.
    """
    if not command or not command[0]:
        raise StartFailed("The command is empty")
    program = _find(command[0], env.get("PATH", os.defpath))
    try:
        return os.posix_spawn(
            program,
            list(command),
            dict(env),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                *_output_actions(layout, outputs),
            ],
            setpgroup=0,
            setsigmask=[],
            setsigdef=_DEFAULT_SIGNALS,
        )
    except (OSError, ValueError) as error:
        raise StartFailed(_explain(command[0], program, error)) from error


def redirect(layout: Layout, outputs: Outputs | None = None) -> None:
    """The same for a process that is already running: a fork."""
    _become(0, os.open(os.devnull, os.O_RDONLY))
    if outputs is None:
        _become(1, os.open(layout.stdout, _OUTPUT_FLAGS, PRIVATE_FILE))
        _become(2, os.open(layout.stderr, _OUTPUT_FLAGS, PRIVATE_FILE))
        return
    _become(1, outputs.stdout)
    _become(2, outputs.stderr)
    for descriptor in outputs.others:
        os.close(descriptor)


def _output_actions(layout: Layout, outputs: Outputs | None) -> list[tuple[object, ...]]:
    if outputs is None:
        return [
            (os.POSIX_SPAWN_OPEN, 1, str(layout.stdout), _OUTPUT_FLAGS, PRIVATE_FILE),
            (os.POSIX_SPAWN_OPEN, 2, str(layout.stderr), _OUTPUT_FLAGS, PRIVATE_FILE),
        ]
    return [
        (os.POSIX_SPAWN_DUP2, outputs.stdout, 1),
        (os.POSIX_SPAWN_DUP2, outputs.stderr, 2),
    ]


def _become(target: int, descriptor: int) -> None:
    os.dup2(descriptor, target)
    if descriptor != target:
        os.close(descriptor)


def _find(name: str, path: str) -> str:
    if "/" in name:
        return name
    unusable = None
    for directory in path.split(os.pathsep):
        candidate = str(Path(directory or ".") / name)
        if Path(candidate).is_file():
            if os.access(candidate, os.X_OK):
                return candidate
            unusable = unusable or candidate
    if unusable:
        raise StartFailed(f"{unusable!r} is not executable; set its permissions with chmod +x")
    raise StartFailed(
        f"Command {name!r} not found on the PATH of the node; PATH is {path!r}."
        " Give the program's full path, or install it on the node"
    )


def _explain(name: str, program: str, error: OSError | ValueError) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ENOENT:
        return f"Command {name!r} not found: no file {program!r}, or its interpreter is missing"
    if code == errno.EACCES:
        return f"Command {name!r} is not executable; set its permissions with chmod +x"
    if code == errno.ENOEXEC:
        return f"Command {name!r} is no program; a script needs a first line such as #!/bin/sh"
    if code == errno.E2BIG:
        return f"The arguments and environment of {name!r} are too long; put them in a file"
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"Command {name!r} cannot be started: {reason}"
