"""Some items of a version's untouched split, with their true labels, to ask the endpoint about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pileus.sdk.predictions import IMAGE_TYPES

if TYPE_CHECKING:
    from pileus.sdk import Client

UNTOUCHED = "untouched"


@dataclass(frozen=True)
class Sample:
    """One image that no training has read."""

    path: str
    label: str
    content: bytes

    @property
    def content_type(self) -> str:
        """As the request names it; JPEG stands for what the suffix does not tell."""
        return IMAGE_TYPES.get(f".{self.path.rpartition('.')[2].lower()}", "image/jpeg")


def untouched_samples(client: Client, version: Mapping[str, Any], count: int) -> list[Sample]:
    """Up to `count` untouched images, spread over the classes."""
    manifest = json.loads(client.blobs.get(version["manifest"]))
    items = [item for item in manifest["items"] if item[4] == UNTOUCHED]
    items.sort(key=lambda item: item[2])  # by digest: mixes the classes, the same every time
    chosen: dict[str, Any] = {}
    for item in items:
        chosen.setdefault(item[1], item)
    picked = [chosen[label] for label in sorted(chosen)][:count]
    picked += [item for item in items if item not in picked][: count - len(picked)]
    packs: dict[int, bytes] = {}
    return [_sample(client, manifest["packs"], packs, item) for item in picked]


def _sample(
    client: Client, named: list[Mapping[str, Any]], packs: dict[int, bytes], item: list[Any]
) -> Sample:
    path, label, _, size, _, pack, offset = item
    if pack not in packs:
        packs[pack] = client.blobs.get(named[pack]["digest"])
    return Sample(path, str(label), packs[pack][offset : offset + size])
