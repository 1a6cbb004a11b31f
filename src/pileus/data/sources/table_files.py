"""A folder of table files: none of them is a dataset's folder of images, and one is enough."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pileus.data.errors import FolderRefused
from pileus.data.sources import csv_file, json_lines, parquet_file
from pileus.data.sources.layout import is_image

_ENDINGS = (*csv_file.ENDINGS, *json_lines.ENDINGS, *parquet_file.ENDINGS)
_NAMED = 5


def refuse_table_files(folder: Path, name: str) -> None:
    """Raises FolderRefused if there are table files in or below `folder`, and no image."""
    tables: list[str] = []
    for path in _files(folder):
        if is_image(path.name):
            return
        if path.name.lower().endswith(_ENDINGS):
            tables.append(path.relative_to(folder).as_posix())
    if not tables:
        return
    named = ", ".join(map(repr, sorted(tables)[:_NAMED]))
    if len(tables) == 1:
        raise FolderRefused(
            f"{name!r} holds one table file, {named}, and no images",
            hint="Give that file: a table is one file.",
        )
    more = f" and {len(tables) - _NAMED:,} more" if len(tables) > _NAMED else ""
    raise FolderRefused(
        f"{name!r} holds {len(tables):,} table files, {named}{more}; one file is a dataset",
        hint="Give one of them, or join them into one file first.",
    )


def _files(folder: Path) -> Iterator[Path]:
    """Every file, hidden ones and links left out; what cannot be looked into has none."""
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.name.lower() == "__macosx":
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file():
                        yield Path(entry.path)
        except OSError:
            continue  # reading the folder says what is wrong
