"""Keys of a project as stored, and the rewriting of its blobs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from pileus.core.schemas.base import Row


class Purpose(StrEnum):
    """What a project key is for."""

    DATA = "data"  #: encrypts blobs; the newest encrypts new ones
    NAMING = "naming"  #: names encrypted blobs; one for the life of a project


class ProjectKey(Row):
    """A project's key, encrypted by the master key. The key itself is never stored."""

    purpose: Purpose
    wrapped: str | None = Field(repr=False)
    """None once it is shredded."""

    master: str
    """Id of the master key that it is wrapped with."""

    retired_at: datetime | None = None
    """No blob of the installation rests under it any more; a restored older one may."""

    shredded_at: datetime | None = None


class BlobRewrite(Row):
    """The wish that every blob of a project rest under its current key; one per project."""

    requested_at: datetime
    finished_at: datetime | None = None
    done: int = 0
    failed: int = 0
