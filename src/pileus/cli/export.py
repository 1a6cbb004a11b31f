"""Writes the items of a dataset version as files again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pileus.cli.downloads import save

if TYPE_CHECKING:
    from pileus.sdk import Client


def export_items(
    client: Client,
    version: Mapping[str, Any],
    directory: Path,
    split: str | None = None,
    limit: int | None = None,
) -> list[Path]:
    """The files made below `directory`: of one split, or of both. Raises InvalidRequest."""
    manifest = json.loads(client.blobs.get(version["manifest"]))
    items = [item for item in manifest["items"] if split in {None, item[4]}][:limit]
    items.sort(key=_pack)  # so that each pack is fetched once, and one is held at a time
    made = []
    for pack, inside in groupby(items, key=_pack):
        content = client.blobs.get(manifest["packs"][pack]["digest"])
        for path, label, _, size, _, _, offset in inside:
            place = path if manifest["kind"] == "table" else placed(path, label)
            made.append(save(directory, place, content[offset : offset + size]))
    return made


def placed(path: str, label: str) -> str:
    """Where an image goes: below a folder named after its class, as `dataset create` reads it."""
    own = PurePosixPath(path)
    return path if label in own.parts[:-1] else str(PurePosixPath(label) / own.name)


def _pack(item: list[Any]) -> int:
    return int(item[5])
