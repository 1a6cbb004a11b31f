"""
Reads and decodes image files, some at a time; also a process that does so for another.

The process reads pickled lists of files from stdin and writes what came of them to stdout, checked
files as plain tuples, until stdin ends. Imports little, because several of them start before the
first image is read.
"""

from __future__ import annotations

import hashlib
import pickle
import signal
import sys
from collections.abc import Sequence
from typing import NamedTuple

from pileus.data.errors import ImageDamaged, ImageTooLarge, SourceChanged, SourceUnreadable
from pileus.data.image_facts import Facts, check
from pileus.data.sources.reading import read_image

CHUNK_BYTES = 8_000_000
"""An answer ends with the image that passes this, so that large images do not fill memory."""

_BEGINNINGS = (
    (b"\x89PNG", "PNG", (".png",)),
    (b"\xff\xd8\xff", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif")),
    (b"GIF8", "GIF", (".gif",)),
    (b"BM", "BMP", (".bmp",)),
    (b"RIFF", "WebP", (".webp",)),
    (b"II", "TIFF", (".tif", ".tiff")),
    (b"MM", "TIFF", (".tif", ".tiff")),
    (b"P", "PNM", (".ppm", ".pgm", ".pbm", ".pnm")),
)


FileToCheck = tuple[str, str]
"""Where a file is, and how errors call it. A named tuple takes ten times as long to pickle."""


class CheckedFile(NamedTuple):
    """A whole image of `size` bytes; `misnamed` is its format where its ending says another."""

    size: int
    sha256: str
    facts: Facts
    misnamed: str | None


FileFault = ImageDamaged | ImageTooLarge | SourceChanged | SourceUnreadable
Outcome = CheckedFile | FileFault


def check_files(files: Sequence[FileToCheck]) -> tuple[list[Outcome], bytes]:
    """What came of the first files, at least of one, and the bytes of the good ones, joined."""
    outcomes: list[Outcome] = []
    contents: list[bytes] = []
    size = 0
    known: dict[Facts, Facts] = {}  # facts are few, and pickled once
    for path, name in files:
        try:
            data = read_image(path, name)
            facts = check(data, name)
            facts = known.setdefault(facts, facts)
        except (ImageDamaged, ImageTooLarge, SourceChanged, SourceUnreadable) as error:
            outcomes.append(error)
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        outcomes.append(CheckedFile(len(data), sha256, facts, _misnamed(data, path)))
        contents.append(data)
        size += len(data)
        if size > CHUNK_BYTES:
            break
    return outcomes, b"".join(contents)


def _misnamed(data: bytes, path: str) -> str | None:
    ending = "." + path.rpartition(".")[2].lower()
    for beginning, form, endings in _BEGINNINGS:
        if data.startswith(beginning):
            return None if ending in endings else form
    return None


def main() -> None:
    """Answer until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends who started us, and so our stdin
    while True:
        try:
            files = pickle.load(sys.stdin.buffer)  # noqa: S301  from the process that started us
        except EOFError:
            return
        outcomes, contents = check_files(files)
        plain = [tuple(one) if isinstance(one, CheckedFile) else one for one in outcomes]
        pickle.dump((plain, contents), sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
        sys.stdout.buffer.flush()
