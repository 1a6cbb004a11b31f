"""One digest for the code that turns a dataset version into a model: part of a model's lineage."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import pileus

_ROOT = Path(pileus.__file__).parent
_READING = ("cells", "images", "load", "manifest", "rows", "schema")
"""The modules of `data` that a training runs; how data is ingested is in the dataset version."""


@cache
def code_digest() -> str:
    """SHA-256 over the sources of training and of the reading of datasets.

    Stays the same until a file's name or text changes; line endings do not count.
    """
    return digest_of(_ROOT, sources(_ROOT))


def sources(root: Path) -> list[Path]:
    """The files whose text decides what a training does, in order."""
    reading = [root / "data" / f"{name}.py" for name in _READING]
    return sorted([*(root / "training").rglob("*.py"), *reading])


def digest_of(root: Path, paths: list[Path]) -> str:
    """SHA-256 over the relative names and digests of `paths`."""
    total = hashlib.sha256()
    for path in paths:
        text = path.read_bytes().replace(b"\r\n", b"\n")
        name = path.relative_to(root).as_posix()
        total.update(f"{name} {hashlib.sha256(text).hexdigest()}\n".encode())
    return total.hexdigest()
