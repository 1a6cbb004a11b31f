"""The table of sources: which one reads what the person named."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

from pileus.data.errors import SourceNotFound, SourceUnknown
from pileus.data.sources.csv_file import CsvFile
from pileus.data.sources.folder import ClassFolder
from pileus.data.sources.idx import IdxFiles
from pileus.data.sources.sample import PREFIX, open_sample
from pileus.data.sources.source import Source

KINDS: tuple[tuple[str, Callable[[Path, str], Source | None]], ...] = (
    ("a CSV file (.csv, .tsv, also .gz)", CsvFile.of),
    ("IDX files (…-images-idx3-ubyte, …-labels-idx1-ubyte, also .gz)", IdxFiles.of),
    ("a folder with one folder of images for each class", ClassFolder.of),
)
"""In the order in which they are asked; each returns None for what is not its own."""


def open_source(source: str) -> Source:
    """What reads `source`. Raises SourceNotFound or SourceUnknown."""
    if source.startswith(PREFIX):
        return open_sample(source)
    if "://" in source:
        raise SourceUnknown(
            f"{source!r} is an address", hint="Download it and give the path of the file."
        )
    try:
        path = Path(source).expanduser().resolve()
        exists = path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise SourceNotFound(
            f"{source!r} is not a path: {error}", hint="Give the path of a file or folder."
        ) from error
    if not exists:
        raise SourceNotFound(
            f"Nothing is at {source!r}",
            hint="Give the path of a file or folder, or a sample such as 'sample:digits'.",
        )
    name = unicodedata.normalize("NFC", path.name)
    for _, of in KINDS:
        found = of(path, name)
        if found is not None:
            return found
    raise SourceUnknown(
        f"{source!r} is of no kind that is read",
        hint="A source is " + "; ".join(kind for kind, _ in KINDS) + "; or a sample.",
    )
