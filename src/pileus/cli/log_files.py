"""The logs in a home, as one story: lines of all processes in the order of their time."""

from __future__ import annotations

import heapq
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

PROCESSES = ("supervisor", "server", "gateway", "worker")
SUFFIX = ".jsonl"

Line = dict[str, Any]
Wanted = Callable[[Line], bool]

_EVERY_SECONDS = 0.25


def history(directory: Path, processes: Iterable[str], wanted: Wanted) -> Iterator[Line]:
    """Lines that are kept and wanted, the oldest first."""
    logs = [_lines_of(directory, process) for process in processes]
    return filter(wanted, heapq.merge(*logs, key=lambda line: str(line["time"])))


def follow(
    directory: Path,
    processes: Iterable[str],
    wanted: Wanted,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Line]:
    """Lines from now on, for ever; across files that are put aside, and ones not there yet."""
    tails = [Tail(directory / f"{process}{SUFFIX}", process) for process in processes]
    try:
        while True:
            news = [line for tail in tails for line in tail.news()]
            yield from filter(wanted, sorted(news, key=lambda line: str(line["time"])))
            if not news:
                sleep(_EVERY_SECONDS)
    finally:
        for tail in tails:
            tail.close()


class Tail:
    """One file from its end on; the one that takes its place from the beginning."""

    def __init__(self, path: Path, process: str) -> None:
        self._path = path
        self._process = process
        self._rest = b""
        self._file = self._opened()
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)

    def news(self) -> list[Line]:
        """Whole lines that were written since the last call."""
        found = self._read()
        if self._is_put_aside():
            # What came between the look and the rename is in the old file.
            found += self._read()
            self.close()
            self._file, self._rest = self._opened(), b""
            found += self._read()
        return [_parsed(line, self._process, "") for line in found if line]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _read(self) -> list[bytes]:
        if self._file is None:
            return []
        *whole, self._rest = (self._rest + self._file.read()).split(b"\n")
        return whole

    def _is_put_aside(self) -> bool:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        if self._file is None:
            return True
        return now.st_ino != os.fstat(self._file.fileno()).st_ino

    def _opened(self) -> IO[bytes] | None:
        try:
            return self._path.open("rb")
        except FileNotFoundError:
            return None


def _lines_of(directory: Path, process: str) -> Iterator[Line]:
    last = ""
    for path in _files(directory, process):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            continue  # it was put aside meanwhile, and is read under its new name or gone
        with file:
            for raw in file:
                if raw.strip():
                    line = _parsed(raw, process, last)
                    last = str(line["time"])
                    yield line


def _files(directory: Path, process: str) -> list[Path]:
    """The files of a process, the oldest first."""
    aside = {
        int(path.suffix[1:]): path
        for path in directory.glob(f"{process}{SUFFIX}.*")
        if path.suffix[1:].isdecimal()
    }
    return [
        *(aside[number] for number in sorted(aside, reverse=True)),
        directory / f"{process}{SUFFIX}",
    ]


def _parsed(raw: bytes, process: str, last: str) -> Line:
    """A line, or what a kill has left of one, at the time of the line before."""
    text = raw.decode("utf-8", "replace").strip()
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        line = {"level": "error", "logger": "", "message": text}
    return {"time": last, "process": process, **line}
