"""What the engine asks of the cleaning of data; `server/wiring.py` gives it the real one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pileus.core.schemas.transform import Transform


@dataclass(frozen=True)
class PreparedTransform:
    """A transform as an attempt is started with it."""

    params: Mapping[str, Any]
    """What the attempt reads as `params`."""

    entry: str
    """Module whose `main` runs in the attempt."""

    environment: str
    code_digest: str


class Transforms(Protocol):
    """Knows what carries a transform out."""

    def prepare(self, transform: Transform, *, dry_run: bool) -> PreparedTransform: ...
