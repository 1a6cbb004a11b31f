"""Which files of a home a backup keeps. What is not named here is kept: it may be somebody's.

Left out is what belongs to running processes, what can be had again, and the database's own files,
whose rows are dumped.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

SPOOL = ("gateway", "streams", "worker")
"""What others take over into the database: copied before it, so that nothing falls between."""

_EXIT = "exit.json"
_LEFT_OUT = frozenset(
    {
        "blobs/incoming",
        "gateway/bundles",
        "gateway/routes.json",
        "lock",
        "logs",
        "run/pids.json",
        "run/ports.json",
        "run/processes.json",
        "staging",
        "state/backups",
        "state/holds",
        "worker/cache",
        "worker/lock",
        "worker/zygotes.log",
    }
)
_DATABASE = ("pileus.db", "pileus.db-journal", "pileus.db-shm", "pileus.db-wal")


def spool_files(home: Path) -> Iterator[str]:
    """Paths below `home` of meters, records, streams and results that are not taken over yet."""
    for top in SPOOL:
        yield from _walk(home, top)


def other_files(home: Path) -> Iterator[str]:
    """All the other paths: settings, keys, tokens, blobs."""
    with os.scandir(home) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        if name not in SPOOL:
            yield from _walk(home, name)


def _walk(home: Path, relative: str) -> Iterator[str]:
    if _is_left_out(relative):
        return
    path = home / relative
    try:
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            yield relative
        if not stat.S_ISDIR(mode):
            return  # a link leads elsewhere, and a socket ends with its process
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries)
    except FileNotFoundError:
        return
    if relative.startswith("worker/attempts/") and relative.count("/") == 2:
        names = _of_attempt(names)
    for name in names:
        yield from _walk(home, f"{relative}/{name}")


def _of_attempt(names: list[str]) -> list[str]:
    """Only what an attempt that has ended leaves: one that runs is run again elsewhere.

    Its runner would be taken for one of the restored home, if that is on the same machine.
    """
    return (
        [name for name in names if name not in {"inputs", "secrets", "work"}]
        if _EXIT in names
        else []
    )


def _is_left_out(relative: str) -> bool:
    top, _, name = relative.rpartition("/")
    is_temporary = name.startswith(".") or name.endswith((".partial", ".tmp"))
    is_database = top == "state" and name in _DATABASE
    return relative in _LEFT_OUT or is_database or is_temporary
