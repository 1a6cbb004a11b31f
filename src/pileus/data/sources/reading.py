"""Opens files of a source and turns what may go wrong into errors that name the file."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from pileus.data.errors import ImageTooLarge, SourceUnreadable

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
