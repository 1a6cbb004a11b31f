"""
A directory for files whose names and sizes somebody else chose: archives, object storage.

No name leaves the directory, no file is written twice, and the disk is not filled.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable
from pathlib import Path

from pileus.core.composing import composed
from pileus.data.errors import ArchiveRefused, ArchiveTooLarge, ScratchUnusable
from pileus.data.paths import path_fault

MAX_FILES = 5_000_000
_MAX_RATIO = 200
_ALWAYS_BYTES = 200_000_000
"""Less than this is unpacked at any ratio; more only up to `_MAX_RATIO` times the archive."""

_MAX_NAME_BYTES = 255
_DISK_SHARE = 0.5
"""Of the free space: packs of the same bytes need the other half."""


def most_unpacked(packed_bytes: int) -> int:
    """Bytes that an archive of `packed_bytes` may hold and be no decompression bomb."""
    return max(_ALWAYS_BYTES, packed_bytes * _MAX_RATIO)


def refuse_bomb(size: int, most: int, what: str, otherwise: str = "unpack it yourself") -> None:
    """Raises ArchiveTooLarge if `size` bytes are more than `most`."""
    if size > most:
        raise ArchiveTooLarge(
            f"{what} unpacks to more than {most:,} bytes, far more than it is",
            hint=f"It looks like a decompression bomb. If it is not, {otherwise}.",
        )


class ScratchFiles:
    """Files below `root`. `most_bytes` bounds all of them together, beside the disk."""

    def __init__(self, root: Path, what: str, most_bytes: int | None = None) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self._what = what
        self._free = int(shutil.disk_usage(root).free * _DISK_SHARE)
        self._most = most_bytes
        self._written = 0
        self._files = 0

    def expect(self, size: int) -> None:
        """Raise ArchiveTooLarge if so many more bytes cannot be kept; a claim, not yet counted."""
        self._check(self._written + size)

    def folder(self, name: str) -> None:
        """An empty folder. Raises ArchiveRefused."""
        try:
            self._path(name.rstrip("/")).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._collides(name) from error

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """A file of these bytes; nothing of it stays if they break off. Raises ArchiveRefused."""
        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Without a buffer, all that was written is on the disk or an error: none is left to `close`.
            stream = path.open("xb", buffering=0)
        except (FileExistsError, NotADirectoryError) as error:
            raise self._collides(name) from error
        except OSError as error:
            raise self._unusable(error) from error
        self._files += 1
        is_whole = False
        try:
            with stream:
                for chunk in chunks:
                    self.count(len(chunk))
                    try:
                        _write_all(stream, chunk)
                    except OSError as error:
                        raise self._unusable(error) from error
            is_whole = True
        finally:
            if not is_whole:
                path.unlink(missing_ok=True)

    def count(self, size: int) -> None:
        """Take note of bytes that are about to be written. Raises ArchiveTooLarge."""
        self._written += size
        self._check(self._written)

    def _check(self, size: int) -> None:
        if self._most is not None:
            refuse_bomb(size, self._most, self._what)
        if size > self._free or self._files >= MAX_FILES:
            raise ArchiveTooLarge(
                f"{self._what} takes more than {self._free:,} bytes or {MAX_FILES:,} files,"
                " all that there is room for",
                hint="Make room on the disk of the temporary directory, or set TMPDIR.",
            )

    def _path(self, name: str) -> Path:
        """Where a member goes. Raises ArchiveRefused for a name that leads elsewhere."""
        name = composed(name)
        fault = path_fault(name)
        if fault is None and any(len(p.encode()) > _MAX_NAME_BYTES for p in name.split("/")):
            fault = f"has a part of more than {_MAX_NAME_BYTES} bytes"
        if fault:
            raise ArchiveRefused(
                f"{self._what} holds {name!r}, a name that {fault}",
                hint="Pack it again from inside its folder, with plain relative names.",
            )
        return self.root / name

    def _collides(self, name: str) -> ArchiveRefused:
        return ArchiveRefused(
            f"{self._what} holds {name!r} twice, or a file and a folder of that name",
            hint="Pack it again, each name once.",
        )

    def _unusable(self, error: OSError) -> ScratchUnusable:
        return ScratchUnusable(
            f"The scratch directory cannot be written: {error.strerror or error}",
            hint="Make room on the disk; a copy of the data has to fit there for a while.",
        )


def _write_all(stream: io.FileIO, chunk: bytes) -> None:
    """A disk that fills up takes part of a chunk, and says so at the next."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[stream.write(rest) :]
