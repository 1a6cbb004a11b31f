"""
A folder with one folder of images for each class, or train and test folders of such.

`layout.py` finds the files; `image_pool.py` reads and decodes each one wholly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pileus.data.faults import Faults
from pileus.data.sources.gathering import Gathered
from pileus.data.sources.image_pool import ImagePool
from pileus.data.sources.image_worker import CheckedFile
from pileus.data.sources.layout import ImageFile, find_images
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.source import SourceImage
from pileus.data.sources.table_files import refuse_table_files


class ClassFolder:
    """Image files, in the order of their paths."""

    kind: Literal["images"] = "images"

    def __init__(self, name: str, root: Path, faults: Faults) -> None:
        self.name = f"folder:{name}"
        self.total = 0
        self.notices: list[str] = []
        self._root = root
        self._faults = faults

    @classmethod
    def of(cls, path: Path, name: str, options: SourceOptions) -> ClassFolder | None:
        if not path.is_dir():
            return None
        refuse_table_files(path, name)
        options.refuse_all_but((), "a folder of images")
        return cls(name, path, options.faults)

    def images(self) -> Iterator[SourceImage]:
        """Every image. All files are read before those that cannot be used are reported."""
        with ImagePool() as pool:
            files, notices = find_images(self._root, self._faults, pool.expect_many)
            self.total = len(files)
            self.notices.extend(notices)
            yield from self._checked(files, pool)

    def _checked(self, files: Sequence[ImageFile], pool: ImagePool) -> Iterator[SourceImage]:
        gathered = Gathered(self._faults)
        misnamed: Counter[str] = Counter()
        example: dict[str, str] = {}
        wanted = [(file.path, file.name) for file in files]
        for file, (outcome, data) in zip(files, pool.check_in_order(wanted), strict=True):
            if not isinstance(outcome, CheckedFile):
                gathered.add(outcome, file.name)
                continue
            if outcome.misnamed:
                misnamed[outcome.misnamed] += 1
                example.setdefault(outcome.misnamed, file.name)
            yield SourceImage(
                file.name, file.label, data, outcome.sha256, outcome.facts, file.given
            )
        gathered.report(f"of {self.total:,} images")
        for form, count in sorted(misnamed.items()):
            more = f", and {count - 1:,} more hold it" if count > 1 else ""
            self.notices.append(
                f"Read by content, not by the ending of the name: {example[form]!r} holds"
                f" {form}{more}"
            )
