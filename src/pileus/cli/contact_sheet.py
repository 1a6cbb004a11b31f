"""A few images of each class, small enough to stand in a page."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from PIL import Image

from pileus.core.errors import NotAllowed
from pileus.data.images import decode
from pileus.data.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pileus.data.schema import Item
    from pileus.sdk import Client

_EACH = 8
_CLASSES = 40
_EDGE = 72
_BUDGET_BYTES = 256_000_000
"""Packs are fetched whole; more than this is not, and such images are left out."""


def contact_sheet(client: Client, version: Mapping[str, Any]) -> dict[str, list[str]]:
    """Class → images as `data:` URLs. Empty for a reader who may not fetch items."""
    try:
        manifest = read_manifest(client.blobs.get(version["manifest"]))
        chosen: dict[int, list[Item]] = defaultdict(list)
        counts: dict[str, int] = dict.fromkeys((manifest.classes or ())[:_CLASSES], 0)
        for item in manifest.of("train"):
            if counts.get(item.label, _EACH) < _EACH:
                counts[item.label] += 1
                chosen[item.pack].append(item)
        found: dict[str, list[str]] = {name: [] for name in counts}
        budget = _BUDGET_BYTES
        for pack in sorted(chosen, key=lambda number: -len(chosen[number])):
            budget -= manifest.packs[pack].size
            if budget < 0:
                continue
            content = client.blobs.get(manifest.packs[pack].digest)
            for item in chosen[pack]:
                found[item.label].append(_small(content[item.offset :][: item.size], item.path))
    except NotAllowed:
        return {}
    return found


def _small(data: bytes, path: str) -> str:
    image = Image.fromarray(decode(data, "RGB", path))
    if max(image.size) > _EDGE:
        image.thumbnail((_EDGE, _EDGE))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
