"""Starts the logging of a process: a file in the home, and stderr where nobody else keeps it."""

from __future__ import annotations

import errno
import faulthandler
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from pileus.core.logs.lines import JsonLines, PlainLines

log = logging.getLogger(__name__)

SUFFIX = ".jsonl"

_QUIET = ("httpx", "httpcore", "asyncio")
"""One line per request of ours, or per slow callback, says nothing."""


class Bounds(Protocol):
    """What is logged and how much of it is kept, as `LogsSettings` has it.

    The supervisor is told by words and carries no settings, whose library would double its memory.
    """

    @property
    def level(self) -> str: ...

    @property
    def file_bytes(self) -> int: ...

    @property
    def files(self) -> int: ...


class LogFile(logging.Handler):
    """A file of lines that never exceeds its size, and makes no noise when the disk is full.

    Unbuffered: what was logged before a kill is there after it.
    """

    def __init__(self, path: Path, process: str, settings: Bounds) -> None:
        super().__init__()
        self.lost = 0
        """Lines that could not be written since the last one that was."""

        self._path = path
        self._settings = settings
        self._size = 0
        self._descriptor: int | None = self._open()
        self.setFormatter(JsonLines(process))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
        except Exception:  # noqa: BLE001  arguments that do not fit their message
            self.handleError(record)
            return
        try:
            if self._size and self._size + len(line) > self._settings.file_bytes:
                self._put_aside()
            self._write(line)
        except OSError:
            # Logging must not take down what it reports on.
            self.lost += 1
            return
        if self.lost:
            lost, self.lost = self.lost, 0
            log.warning("%d lines of this log could not be written", lost)

    def close(self) -> None:
        """A library may close the handlers of others; what is logged later opens the file again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        super().close()

    def _write(self, line: bytes) -> None:
        if self._descriptor is None:
            self._descriptor = self._open()
        if os.write(self._descriptor, line) < len(line):
            os.ftruncate(self._descriptor, self._size)
            raise OSError(errno.ENOSPC, "half a line was written")
        self._size += len(line)

    def _put_aside(self) -> None:
        for number in range(self._settings.files - 1, 0, -1):
            newer = self._path if number == 1 else self._aside(number - 1)
            with suppress(FileNotFoundError):
                newer.replace(self._aside(number))
        before, self._descriptor = self._descriptor, self._open()
        if before is not None:
            os.close(before)

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        self._size = os.fstat(descriptor).st_size
        return descriptor


def start(process: str, directory: Path, settings: Bounds, echo: int | None = None) -> None:
    """Log to `directory`/`process`.jsonl from now on; to stderr as well what reaches level `echo`.

    Where the file cannot be opened there is stderr: a process that runs is worth more than its log.
    """
    root = logging.getLogger()
    root.setLevel(settings.level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    problem: OSError | None = None
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        root.addHandler(LogFile(directory / f"{process}{SUFFIX}", process, settings))
    except OSError as error:
        problem, echo = error, logging.NOTSET
    if echo is not None:
        root.addHandler(_stderr(process, echo))
    # What ends the interpreter itself cannot be logged any more; it says where on stderr.
    if not faulthandler.is_enabled():
        faulthandler.enable()
    if problem is not None:
        root.warning("No log is kept in %r: %s", str(directory), problem.strerror)


def _stderr(process: str, level: int) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level)
    handler.setFormatter(PlainLines() if sys.stderr.isatty() else JsonLines(process))
    return handler
