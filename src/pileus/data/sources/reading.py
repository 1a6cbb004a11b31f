"""Opens files of a source and turns what may go wrong into errors that name the file."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from pileus.core.errors import PileusError
from pileus.data.errors import ImageTooLarge, SourceChanged, SourceUnreadable

MAX_IMAGE_BYTES = 256 * 1024 * 1024


@contextmanager
def reading(path: Path, name: str) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked if it ends in `.gz`. Raises SourceUnreadable."""
    try:
        with _open(path) as stream:
            yield stream
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceUnreadable(
            f"{name!r} is not a whole gzip file: {error}", hint="Fetch or compress it again."
        ) from error
    except OSError as error:
        raise unreadable(name, error) from error


@contextmanager
def steady(path: Path, name: str) -> Iterator[BinaryIO]:
    """Like `reading`; raises SourceChanged if the file is another one when all was read."""
    witness = Witness(path, name)
    try:
        with reading(path, name) as stream:
            yield stream
    except PileusError:
        # What a half-written file looks like is not what is wrong with it.
        witness.check()
        raise
    witness.check()


class Witness:
    """Knows a file as it was, to see afterwards that nobody touched it."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._before = self._seen()

    def check(self) -> None:
        """Raises SourceChanged if the file was written, replaced or cut meanwhile."""
        after = self._seen()
        if after != self._before:
            raise SourceChanged(
                f"{self._name!r} changed while it was read: {self._difference(after)}",
                hint="Wait until nobody writes to it, or copy it first; then run this again.",
            )

    def _seen(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise unreadable(self._name, error) from error
        return found.st_size, found.st_mtime_ns, found.st_ino

    def _difference(self, after: tuple[int, int, int]) -> str:
        if after[2] != self._before[2]:
            return "another file is in its place"
        if after[0] != self._before[0]:
            return f"it had {self._before[0]:,} bytes and has {after[0]:,}"
        return "it was written to"


def read_image(path: Path, name: str) -> bytes:
    """All bytes of an image file. Raises SourceUnreadable or ImageTooLarge."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_IMAGE_BYTES + 1)
    except OSError as error:
        raise unreadable(name, error) from error
    if len(data) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(
            f"Image {name!r} has more than {MAX_IMAGE_BYTES:,} bytes",
            hint="Make it smaller.",
        )
    return data


def check_link(path: Path, root: Path, name: str) -> None:
    """Raises SourceUnreadable if `path` is a link that leads out of `root`, or nowhere."""
    if not path.is_symlink():
        return
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceUnreadable(
            f"{name!r} is a link that leads nowhere", hint="Remove it, or put a file in its place."
        ) from error
    if not target.is_relative_to(root):
        raise SourceUnreadable(
            f"{name!r} is a link that leads out of its folder",
            hint="Put a copy of the file in its place.",
        )


def unreadable(name: str, error: OSError) -> SourceUnreadable:
    return SourceUnreadable(
        f"{name!r} cannot be read: {error.strerror or error}",
        hint="Check that it exists and that you may read it.",
    )


def _open(path: Path) -> BinaryIO:
    if path.suffix.lower() == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")
