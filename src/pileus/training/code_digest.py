"""One digest for the code that turns a dataset version into a model: part of a model's lineage."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pileus.core.code_digest import ROOT, digest_of

_READING = ("cells", "images", "load", "manifest", "raw", "rows", "schema")
"""The modules of `data` that a training runs; how data is ingested is in the dataset version."""


@cache
def code_digest() -> str:
    """SHA-256 over the sources of training and of the reading of datasets.

    Stays the same until a file's name or text changes; line endings do not count.
    """
    return digest_of(ROOT, sources(ROOT))


def sources(root: Path) -> list[Path]:
    """The files whose text decides what a training does, in order."""
    reading = [root / "data" / f"{name}.py" for name in _READING]
    return sorted([*(root / "training").rglob("*.py"), *reading])
