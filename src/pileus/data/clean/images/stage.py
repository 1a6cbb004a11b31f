"""
Images between two steps: their bytes on disk, the untouched ones first; their names in memory.

Why the untouched come first is told in `tables/stage.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pileus.data.clean.tally import Tally
from pileus.data.load import LocalVersion
from pileus.data.schema import Split

_CHECK_EVERY = 100


class Picture(NamedTuple):
    """One image file."""

    path: str
    label: str
    split: Split
    data: bytes


Pictures = Callable[[], Iterator[Picture]]


@dataclass(frozen=True)
class Stage:
    """What a step reads; any number of times."""

    pictures: Pictures


@dataclass(frozen=True)
class Change:
    """What a step makes of a stage; `pictures` are read once."""

    pictures: Iterator[Picture]
    tally: Tally
    fitted: dict[str, Any] = field(default_factory=dict)


class _Entry(NamedTuple):
    path: str
    label: str
    split: Split
    offset: int
    size: int


def opened(version: LocalVersion) -> Stage:
    """A dataset version as the first stage; images are read from its packs."""

    def pictures() -> Iterator[Picture]:
        splits: tuple[Split, ...] = ("untouched", "train")
        for split in splits:
            for item, data in version.contents(split):
                yield Picture(item.path, item.label, split, data)

    return Stage(pictures)


def written(path: Path, change: Change, check: Callable[[], None]) -> Stage:
    """The next stage, with its bytes at `path`. `check` is called now and then and may raise."""
    entries: list[_Entry] = []
    offset = 0
    with path.open("wb") as stream:
        for number, picture in enumerate(change.pictures):
            if number % _CHECK_EVERY == 0:
                check()
            change.tally.rows_out[picture.split] += 1
            stream.write(picture.data)
            size = len(picture.data)
            entries.append(_Entry(picture.path, picture.label, picture.split, offset, size))
            offset += size

    def pictures() -> Iterator[Picture]:
        with path.open("rb") as stream:
            for entry in entries:
                stream.seek(entry.offset)
                yield Picture(entry.path, entry.label, entry.split, stream.read(entry.size))

    return Stage(pictures)


def counted(stage: Stage, tally: Tally) -> Iterator[Picture]:
    """The stage's images, counted as they are read."""
    for picture in stage.pictures():
        tally.rows_in += 1
        yield picture


def digest(picture: Picture) -> bytes:
    """What tells one content from another."""
    return hashlib.sha256(picture.data).digest()
