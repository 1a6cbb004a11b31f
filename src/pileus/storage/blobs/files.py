"""Named files of a project: `root/<project>/<ab>/<name>`, written beside their place and renamed.

What is in a file, and what its name means, is for the stores above to say.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pileus.core.failpoints import failpoint
from pileus.core.syncing import sync_directory
from pileus.storage.blobs.naming import check_project
from pileus.storage.errors import StorageFull

_INCOMING = "incoming"


@dataclass(frozen=True)
class Found:
    """A file as a listing tells of it."""

    name: str
    path: Path


class Draft:
    """A file that nobody sees until it is kept; leaving the context without that removes it."""

    def __init__(self, temporary: Path, place: Path, placing: threading.Lock) -> None:
        self._placing = placing
        self._temporary = temporary
        self._place = place
        self._file = _locked(temporary)

    def write(self, data: bytes | memoryview) -> None:
        """Append. Raises StorageFull."""
        try:
            self._file.write(data)
        except OSError as error:
            raise _meaning(error) from error

    def keep(self, modified_at: float | None = None) -> None:
        """Make the file visible: synced, then renamed. Raises StorageFull."""
        try:
            self._file.flush()
            if modified_at is not None:
                os.utime(self._file.fileno(), (modified_at, modified_at))
            os.fsync(self._file.fileno())
            failpoint("blob.written")
            self._place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._placing:
                self._temporary.replace(self._place)
            sync_directory(self._place.parent)
        except OSError as error:
            raise _meaning(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except OSError:
            # What was not flushed has no room either; the file goes anyway.
            if kind is None:
                raise
        finally:
            self._temporary.unlink(missing_ok=True)


class BlobFiles:
    """The directory, which servers may share; within one, placing and sweeping take turns."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # A file that is written again while it is swept stays: placing and removing take turns.
        self._placing = threading.Lock()

    def start(self) -> None:
        """Make room, and collect what killed writers left."""
        incoming = self._root / _INCOMING
        incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in incoming.iterdir():
            _collect(path)

    @staticmethod
    def check(project: str) -> None:
        """Raises BlobNotFound for a project that cannot be, so that no path leads elsewhere."""
        check_project(project, reserved=_INCOMING)

    def draft(self, project: str, name: str) -> Draft:
        """A file to be. Raises BlobNotFound, StorageFull."""
        place = self._path(project, name)
        try:
            return Draft(self._root / _INCOMING / secrets.token_hex(16), place, self._placing)
        except OSError as error:
            raise _meaning(error) from error

    def open(self, project: str, name: str) -> BinaryIO | None:
        """The file for reading; None when there is none."""
        try:
            return self._path(project, name).open("rb")
        except FileNotFoundError:
            return None

    def size(self, project: str, name: str) -> int | None:
        """Bytes of the file; None when there is none."""
        try:
            return self._path(project, name).stat().st_size
        except FileNotFoundError:
            return None

    def refresh(self, project: str, name: str) -> bool:
        """Whether the file is there; it then counts as written now."""
        with self._placing:
            try:
                os.utime(self._path(project, name))
            except FileNotFoundError:
                return False
            return True

    def sweep(self, project: str, keeps: Callable[[str], bool], before: float) -> int:
        """Remove every file whose name is not kept and that was written before; how many."""
        gone = 0
        for found in self.found(project):
            if keeps(found.name):
                continue
            with self._placing, suppress(FileNotFoundError):
                if found.path.stat().st_mtime < before:
                    found.path.unlink()
                    gone += 1
        return gone

    def delete(self, project: str, name: str) -> None:
        """Remove the file; nothing happens when there is none."""
        self._path(project, name).unlink(missing_ok=True)

    def found(self, project: str) -> Iterator[Found]:
        """Every file of the project, in no order."""
        self.check(project)
        root = self._root / project
        if not root.is_dir():
            return
        for path in root.glob("??/*"):
            yield Found(path.name, path)

    def _path(self, project: str, name: str) -> Path:
        self.check(project)
        return self._root / project / name[:2] / name


def _locked(path: Path) -> BinaryIO:
    """A new file, whose lock goes with the process that writes it."""
    while True:
        file = path.open("xb")
        fcntl.flock(file, fcntl.LOCK_EX)
        # Who collects what killed writers left may have come between the two.
        if path.exists():
            return file
        file.close()


def _collect(path: Path) -> None:
    """Remove the draft of a writer that was killed; another server may be writing this one."""
    with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


def _meaning(error: OSError) -> Exception:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFull(
            "No room on the disk for the blob", hint="Free disk space and try again."
        )
    return error
