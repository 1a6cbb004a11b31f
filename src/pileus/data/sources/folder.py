"""
A folder with one folder of images for each class, or train and test folders of such.

`layout.py` finds the files; this reads them, several at a time, and decodes each one wholly.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from pileus.data.errors import ImageDamaged, ImageTooLarge
from pileus.data.images import check
from pileus.data.sources.layout import ImageFile, find_images
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.reading import read_image
from pileus.data.sources.source import SourceImage

_NAMED_DAMAGES = 10
"""So many damaged files are named in one error."""


class ClassFolder:
    """Image files, in the order of their paths."""

    kind: Literal["images"] = "images"

    def __init__(self, name: str, files: list[ImageFile], notices: list[str]) -> None:
        self.name = f"folder:{name}"
        self.total = len(files)
        self.notices = notices
        self._files = files

    @classmethod
    def of(cls, path: Path, name: str, options: SourceOptions) -> ClassFolder | None:
        if not path.is_dir():
            return None
        options.refuse_all_but((), "a folder of images")
        files, notices = find_images(path)
        return cls(name, files, notices)

    def images(self) -> Iterator[SourceImage]:
        """Every image. All files are read before the damaged ones are reported, together."""
        damages: list[ImageDamaged | ImageTooLarge] = []
        for outcome in _in_order(self._files):
            if isinstance(outcome, SourceImage):
                yield outcome
            else:
                damages.append(outcome)
        if len(damages) == 1:
            raise damages[0]
        if damages:
            first = "; ".join(damage.message for damage in damages[:_NAMED_DAMAGES])
            more = len(damages) - _NAMED_DAMAGES
            raise ImageDamaged(
                f"{len(damages)} of {self.total} images cannot be used: {first}"
                + (f"; and {more} more" if more > 0 else ""),
                hint="Remove them or put whole copies in their place.",
            )


Outcome = SourceImage | ImageDamaged | ImageTooLarge


def _in_order(files: list[ImageFile]) -> Iterator[Outcome]:
    """What came of each file; a few are in memory at once. Pillow decodes without the GIL."""
    threads = min(8, os.cpu_count() or 1)
    waiting: deque[Future[Outcome]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ingest")
    try:
        for file in files:
            waiting.append(pool.submit(_read, file))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _read(file: ImageFile) -> Outcome:
    try:
        data = read_image(file.path, file.name)
        facts = check(data, file.name)
    except (ImageDamaged, ImageTooLarge) as error:
        return error
    sha256 = hashlib.sha256(data).hexdigest()
    return SourceImage(file.name, file.label, data, sha256, facts, file.given)
