"""The table of sources: which one reads what the person named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pileus.core.composing import composed
from pileus.data.errors import ChecksumRefused, SourceNotFound, SourceUnknown
from pileus.data.sources.archives.unpacking import ENDINGS as ARCHIVES
from pileus.data.sources.archives.unpacking import is_archive, unpacked
from pileus.data.sources.csv_file import CsvFile
from pileus.data.sources.folder import ClassFolder
from pileus.data.sources.idx import IdxFiles
from pileus.data.sources.json_lines import JsonLines
from pileus.data.sources.npz_file import open_npz
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.parquet_file import ParquetFile
from pileus.data.sources.remote.fetching import SCHEMES, fetch
from pileus.data.sources.sample import PREFIX, open_sample
from pileus.data.sources.source import Source

Kind = tuple[str, Callable[[Path, str, SourceOptions], Source | None]]

KINDS: tuple[Kind, ...] = (
    ("a CSV file (.csv, .tsv, also .gz)", CsvFile.of),
    ("JSON Lines (.jsonl, .ndjson, also .gz)", JsonLines.of),
    ("a Parquet file (.parquet)", ParquetFile.of),
    ("a file of arrays (.npz)", open_npz),
    ("IDX files (…-images-idx3-ubyte, …-labels-idx1-ubyte, also .gz)", IdxFiles.of),
    ("a folder with one folder of images for each class", ClassFolder.of),
)
"""In the order in which they are asked; each returns None for what is not its own."""

DATABASES = ("sqlite", "postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle")
"""Schemes of SQLAlchemy that are known without a query; `+` and the name of a driver may follow."""


def open_source(source: str, options: SourceOptions) -> Source:
    """What reads `source`. Raises SourceNotFound, SourceUnknown and what fetching raises."""
    if "://" in source:
        return _at_address(source, options)
    if options.checksum is not None:
        raise ChecksumRefused(
            f"{source!r} is not fetched, so it has no checksum to compare",
            hint="Leave --checksum out: each file's SHA-256 is in the version.",
        )
    if source.startswith(PREFIX):
        options.refuse_all_but((), "a sample")
        return open_sample(source)
    return _open_path(_local_path(source), source, options)


def _local_path(source: str) -> Path:
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
    return path


def _open_path(path: Path, source: str, options: SourceOptions) -> Source:
    name = composed(path.name)
    if is_archive(path, name):
        inside = unpacked(path, name, options)
        if path.is_relative_to(options.scratch):
            path.unlink()  # fetched, and of no more use
        opened = _open_kind(inside, f"{source}, {inside.name}", options)
        opened.name = f"archive:{name}"
        return opened
    return _open_kind(path, source, options)


def _open_kind(path: Path, source: str, options: SourceOptions) -> Source:
    name = composed(path.name)
    for _, of in KINDS:
        found = of(path, name, options)
        if found is not None:
            return found
    raise SourceUnknown(
        f"{source!r} is of no kind that is read",
        hint="A source is "
        + "; ".join(kind for kind, _ in KINDS)
        + f"; an archive of one ({', '.join(ARCHIVES)}); an s3:// or https:// address;"
        " or a sample.",
    )


def _at_address(source: str, options: SourceOptions) -> Source:
    scheme = source.partition(":")[0].lower()
    has_query = options.query is not None and scheme not in SCHEMES
    if has_query or scheme.partition("+")[0] in DATABASES:
        from pileus.data.sources.database import open_database  # start-up time

        return open_database(source, options)
    fetched = fetch(source, options)
    # It was compared while it was fetched; what reads the file has nothing to do with it.
    opened = _open_path(fetched.path, fetched.address, replace(options, checksum=None))
    opened.name = fetched.address
    return opened
