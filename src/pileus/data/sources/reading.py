"""Opens files of a source and turns what may go wrong into errors that name the file."""

from __future__ import annotations

import errno
import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from pileus.core.errors import PileusError
from pileus.data.errors import ImageTooLarge, SourceChanged, SourceUnreadable

MAX_IMAGE_BYTES = 256 * 1024 * 1024


class Stamp(NamedTuple):
    """What tells a file from what it was a moment ago."""

    inode: int
    size: int
    modified_ns: int


@contextmanager
def reading(path: Path, name: str) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked if it ends in `.gz`. Raises SourceUnreadable."""
    try:
        with open(path, "rb", opener=_descriptor) as plain:
            if path.suffix.lower() != ".gz":
                yield plain
                return
            with gzip.open(plain, "rb") as stream:
                yield cast("BinaryIO", stream)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceUnreadable(
            f"{name!r} is not a whole gzip file: {error}", hint="Fetch or compress it again."
        ) from error
    except OSError as error:
        raise unreadable(name, error) from error


@contextmanager
def steady(path: Path, name: str) -> Iterator[BinaryIO]:
    """Like `reading`; raises SourceChanged if the file is another one when all was read."""
    with Witness(path, name).watching(), reading(path, name) as stream:
        yield stream


class Witness:
    """Knows a file as it was, to see afterwards that nobody touched it."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._before = self._seen()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Raises SourceChanged if the file was written, replaced or cut before the end of this."""
        try:
            yield
        except PileusError:
            # What a half-written file looks like is not what is wrong with it.
            self._check()
            raise
        self._check()

    def _check(self) -> None:
        after = self._seen()
        if after != self._before:
            raise changed(self._name, self._difference(after))

    def _seen(self) -> Stamp:
        try:
            return _stamp(self._path.stat())
        except OSError as error:
            raise unreadable(self._name, error) from error

    def _difference(self, after: Stamp) -> str:
        if after.inode != self._before.inode:
            return "another file is in its place"
        if after.size != self._before.size:
            return f"it had {self._before.size:,} bytes and has {after.size:,}"
        return "it was written to"


def read_image(path: str, name: str) -> bytes:
    """All bytes of an image file. Raises SourceUnreadable, SourceChanged or ImageTooLarge."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before = _check_regular(os.fstat(descriptor))
            data = _read_all(descriptor, before.st_size)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unreadable(name, error) from error
    if len(data) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(
            f"Image {name!r} has more than {MAX_IMAGE_BYTES:,} bytes",
            hint="Make it smaller.",
        )
    if after.st_mtime_ns != before.st_mtime_ns or len(data) != after.st_size:
        raise changed(name)
    return data


def check_link(path: Path, root: Path, name: str) -> None:
    """Raises SourceUnreadable if `path` is a link that leads out of `root`, or nowhere."""
    if not path.is_symlink():
        return
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        circle = isinstance(error, RuntimeError) or error.errno == errno.ELOOP
        raise SourceUnreadable(
            f"{name!r} is a link that leads {'back to itself' if circle else 'nowhere'}",
            hint="Remove it, or put a file in its place.",
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


def changed(name: str, difference: str = "it was written to") -> SourceChanged:
    return SourceChanged(
        f"{name!r} changed while it was read: {difference}",
        hint="Wait until nobody writes to it, or copy it first; then run this again.",
    )


def _read_all(descriptor: int, size: int) -> bytes:
    """A file's bytes: `size` of them and one more, if there is one. Mostly one call."""
    data = os.read(descriptor, min(size, MAX_IMAGE_BYTES) + 1)
    if len(data) >= size:
        return data
    pieces = [data]
    missing = min(size, MAX_IMAGE_BYTES) + 1 - len(data)
    while missing > 0 and (piece := os.read(descriptor, missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns)


def _descriptor(path: str, flags: int) -> int:
    """An open regular file: a pipe would be waited for, a device never ends."""
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check_regular(os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_regular(found: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "It is not a regular file")
    return found
