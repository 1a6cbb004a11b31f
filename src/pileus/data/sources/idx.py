"""
IDX files, the format of MNIST: a file of images, a file of labels.

Images become binary PGM, so that any image library reads the items of the version.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from pileus.data.errors import IdxDamaged
from pileus.data.image_facts import MAX_PIXELS, Facts
from pileus.data.schema import Split
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.reading import Witness, check_link, reading
from pileus.data.sources.source import SourceImage

_NAME = re.compile(
    r"(?P<set>.*?)[-._]?(?P<what>images|labels)[-.]idx[13]-ubyte(?:\.gz)?", re.IGNORECASE
)
_IMAGES_MAGIC = 0x803
_LABELS_MAGIC = 0x801
_BATCH_BYTES = 1_000_000
"""Is still in the cache of a core when the last image of it is hashed."""


@dataclass(frozen=True)
class _Pair:
    images: Path
    labels: Path
    given: Split | None
    count: int
    height: int
    width: int
    witnesses: tuple[Witness, Witness]
    """Of both files, since their headers were read."""


class IdxFiles:
    """One pair of files, or a pair to train on and a pair that stays untouched."""

    kind: Literal["images"] = "images"

    def __init__(self, name: str, pairs: list[_Pair]) -> None:
        self.name = f"idx:{name}"
        self.total = sum(pair.count for pair in pairs)
        self.notices: list[str] = []
        self._pairs = pairs

    @classmethod
    def of(cls, path: Path, name: str, options: SourceOptions) -> IdxFiles | None:
        match = _NAME.fullmatch(path.name)
        if path.is_file():
            if match is None:
                return None
            if match["what"].lower() == "labels":
                raise IdxDamaged(
                    f"{name!r} holds labels, not images", hint="Give the file of images."
                )
            options.refuse_all_but((), "IDX files")
            return cls(name, [_pair(path, None)])
        found = _image_files(path)
        if found:
            options.refuse_all_but((), "IDX files")
        return cls(name, _pairs(found)) if found else None

    def images(self) -> Iterator[SourceImage]:
        for pair in self._pairs:
            of_images, of_labels = pair.witnesses
            with of_images.watching(), of_labels.watching():
                yield from _read(pair)


def _image_files(folder: Path) -> dict[str, Path]:
    """Files of images by the name of their set; a plain file goes before its `.gz`."""
    found: dict[str, Path] = {}
    if folder.is_dir():
        for path in sorted(folder.iterdir(), key=lambda path: len(path.name), reverse=True):
            match = _NAME.fullmatch(path.name)
            if match and match["what"].lower() == "images" and path.is_file():
                check_link(path, folder, path.name)
                found[match["set"]] = path
    return found


def _pairs(found: dict[str, Path]) -> list[_Pair]:
    if len(found) == 1:
        return [_pair(path, None) for path in found.values()]
    sides: dict[Split, str] = {}
    for name in sorted(found):
        side: Split = "untouched" if re.search(r"t10k|test", name, re.IGNORECASE) else "train"
        if side in sides or (side == "train" and "train" not in name.lower()):
            raise IdxDamaged(
                f"The folder holds several sets: {', '.join(map(repr, sorted(found)))}",
                hint="Give the file of images of one set, or keep one pair of train and t10k.",
            )
        sides[side] = name
    return [_pair(found[name], side) for side, name in sorted(sides.items())]


def _pair(images: Path, given: Split | None) -> _Pair:
    of_images = Witness(images, images.name)
    count, height, width = _header(images, _IMAGES_MAGIC, 3)
    if not count or not height or not width or height * width > MAX_PIXELS:
        raise IdxDamaged(
            f"{images.name!r} holds {count} images of {width} x {height} pixels",
            hint="Fetch the file again.",
        )
    labels = _labels_file(images)
    of_labels = Witness(labels, labels.name)
    (labelled,) = _header(labels, _LABELS_MAGIC, 1)
    if labelled != count:
        raise IdxDamaged(
            f"{labels.name!r} has {labelled} labels for {count} images of {images.name!r}",
            hint="Use two files of the same set.",
        )
    return _Pair(images, labels, given, count, height, width, (of_images, of_labels))


def _labels_file(images: Path) -> Path:
    wanted = _NAME.fullmatch(images.name)
    candidates = sorted(images.parent.iterdir(), key=lambda path: (len(path.name), path.name))
    for path in candidates:
        match = _NAME.fullmatch(path.name)
        if match and wanted and match["what"].lower() == "labels" and match["set"] == wanted["set"]:
            check_link(path, images.parent, path.name)
            return path
    raise IdxDamaged(
        f"{images.name!r} has no file of labels beside it",
        hint="Put the …-labels-idx1-ubyte file of the same set into the same folder.",
    )


def _header(path: Path, magic: int, dimensions: int) -> tuple[int, ...]:
    with reading(path, path.name) as stream:
        data = stream.read(4 + 4 * dimensions)
    if len(data) < 4 + 4 * dimensions or struct.unpack(">I", data[:4])[0] != magic:
        raise IdxDamaged(
            f"{path.name!r} begins with {data[:4].hex()!r}, not with {magic:08x}",
            hint="Fetch the file again; it is not an IDX file of bytes.",
        )
    return struct.unpack(f">{dimensions}I", data[4:])


def _read(pair: _Pair) -> Iterator[SourceImage]:
    labels = _labels(pair)
    size = pair.height * pair.width
    header = b"P5\n%d %d\n255\n" % (pair.width, pair.height)
    facts = Facts("L", pair.width, pair.height)
    digits = max(5, len(str(pair.count)))
    number = 0
    with reading(pair.images, pair.images.name) as stream:
        stream.read(16)
        while number < pair.count:
            some = min(max(1, _BATCH_BYTES // size), pair.count - number)
            block = memoryview(_exactly(stream, some * size, pair.images))
            for start in range(0, len(block), size):
                data = b"".join((header, block[start : start + size]))
                number += 1
                yield SourceImage(
                    path=f"{pair.given or 'images'}/{number:0{digits}d}.pgm",
                    label=str(labels[number - 1]),
                    data=data,
                    sha256=hashlib.sha256(data).hexdigest(),
                    facts=facts,
                    given=pair.given,
                )
        _end(stream, pair.images)


def _labels(pair: _Pair) -> bytes:
    with reading(pair.labels, pair.labels.name) as stream:
        stream.read(8)
        labels = _exactly(stream, pair.count, pair.labels)
        _end(stream, pair.labels)
    return labels


def _exactly(stream: BinaryIO, count: int, path: Path) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise IdxDamaged(
            f"{path.name!r} ends {count - len(data)} bytes before its header says",
            hint="Fetch the file again.",
        )
    return data


def _end(stream: BinaryIO, path: Path) -> None:
    if stream.read(1):
        raise IdxDamaged(
            f"{path.name!r} goes on after the end that its header says",
            hint="Fetch the file again.",
        )
