"""What is left of something deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from pileus.core.schemas.base import Answer, Row


class Tombstone(Row):
    """What stays of a deleted noun, for good. `created_at` is when it was deleted."""

    noun: str
    subject: str
    """Id of what was deleted."""

    name: str
    """As people called it: `digits`, `digits@1`."""

    container: str | None = None
    """Id of what it belonged to: a version's dataset or model, a token's principal."""

    parent: str | None = None
    """Tombstone of the deletion that took it along; it comes back with that one."""

    digests: tuple[str, ...] = ()
    """SHA-256 of its content or code."""

    deleted_by: str
    deleted_by_name: str
    kept_until: datetime
    """The end of its grace: collection then removes rows and bytes."""

    collected_at: datetime | None = None
    """Since when it cannot be brought back."""

    lineage: dict[str, Any] = Field(default_factory=dict)
    """Its step of a lineage, as it was, with the ids that lead further."""


class Collected(Answer):
    """What a round of collection removed, or with `is_dry_run` would remove."""

    is_dry_run: bool
    tombstones: int = 0
    """Deletions whose grace was over."""

    blobs: int = 0
    bytes: int = 0
    files: int = 0
    """Files removed from the disk, those that no blob's row named included."""

    records: int = 0
    """Segments of prediction records that were older than they are kept."""

    changes: int = 0
    """Entries trimmed from the change feed."""

    keys: int = 0
    """Idempotency keys that were forgotten."""
