"""Which function carries which step out on images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pileus.data.clean.images.drop_classes import drop_classes
from pileus.data.clean.images.drop_duplicates import drop_duplicates
from pileus.data.clean.images.drop_near_duplicates import drop_near_duplicates
from pileus.data.clean.images.encode import encode
from pileus.data.clean.images.grey import grey
from pileus.data.clean.images.map_labels import map_labels
from pileus.data.clean.images.resize import resize
from pileus.data.clean.images.split import split
from pileus.data.clean.images.stage import Change, Stage

ImageStep = Callable[[Any, Stage, int], Change]
"""Takes the step of the spec, the stage before, and the seed."""

IMAGE_STEPS: Mapping[str, ImageStep] = {
    "drop_classes": drop_classes,
    "drop_duplicates": drop_duplicates,
    "drop_near_duplicate_images": drop_near_duplicates,
    "encode": encode,
    "grey": grey,
    "map_labels": map_labels,
    "resize": resize,
    "split": split,
}
