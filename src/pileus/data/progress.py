"""How far reading or uploading has come, for whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units; `total` is None while nobody knows."""

    stage: Literal["fetch", "read", "upload"]
    done: int
    total: int | None
    unit: Literal["images", "rows", "bytes"]


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Reports to nobody."""
    del progress
